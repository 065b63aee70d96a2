// A worker made with Camunda's own client. Told by its environment: BASE_URL, TOKEN.
import { BasicAuthInterceptor, Client, Variables } from "camunda-external-task-client-js";

const { BASE_URL, TOKEN } = process.env;
const client = new Client({
  baseUrl: BASE_URL,
  workerId: "javascript",
  asyncResponseTimeout: 5000,
  interval: 50,
  interceptors: new BasicAuthInterceptor({ username: "worker", password: TOKEN }),
});

client.subscribe("rate", async ({ task, taskService }) => {
  const order = task.variables.get("order");
  const told = new Variables()
    .set("rating", order.amount > 100 ? "B" : "A")
    .set("seen", { by: "javascript", at: [1, 2.5, null] })
    .setTyped("day", { value: new Date("2026-01-05T09:00:00Z"), type: "Date", valueInfo: {} });
  await taskService.extendLock(task, 60000);
  await taskService.complete(task, told, new Variables().set("own", task.businessKey));
});

client.subscribe("refuse", ({ task, taskService }) =>
  taskService.handleBpmnError(task, "DECLINED", "too young", new Variables().set("age", 17)));

client.subscribe("stumble", async ({ task, taskService }) => {
  if (task.retries === null) {
    await taskService.handleFailure(task, {
      errorMessage: "no line", errorDetails: "the whole story", retries: 1, retryTimeout: 10,
    });
  } else {
    await taskService.complete(task, new Variables().set("tries", task.retries));
  }
});
