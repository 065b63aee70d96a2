# One image for pages and workers: what a container runs is its command.
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml constraints.txt hatch_build.py README.md LICENSE ./
COPY engine engine
COPY processes processes
COPY web web
RUN python -m venv /opt/procession \
 && /opt/procession/bin/pip install --no-cache-dir -c constraints.txt '.[postgres,celery,otel]'

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 procession
COPY --from=build /opt/procession /opt/procession
ENV PATH=/opt/procession/bin:$PATH PYTHONUNBUFFERED=1 PROCESSION_LOG_FORMAT=json PROCESSION_METRICS_PORT=9090
USER procession
WORKDIR /home/procession
EXPOSE 8000 9090
# 8000: pages, with /healthz and /readyz; 9090: the probes of a worker.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \
 "import urllib.request as u; [u.urlopen(f'http://127.0.0.1:{p}/readyz', timeout=2) for p in __import__('os').environ.get('PROBED_PORT', '8000').split()]"]
CMD ["procession", "run", "--host", "0.0.0.0"]
