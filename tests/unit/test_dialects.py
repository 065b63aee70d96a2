"""Other tools' words in our own terms."""

from __future__ import annotations

import ast

import pytest
from lxml import etree

from engine.bpmn.dialects import Terms, terms
from engine.bpmn.nodes import BPMN, CAMUNDA
from engine.bpmn.texts import MAX_CHARACTERS, expression, value, values
from engine.bpmn.translation import Untranslatable


def refusal(text: str) -> Untranslatable:
    with pytest.raises(Untranslatable) as caught:
        expression(text)
    return caught.value


def element(content: str, attributes: str = "", tag: str = "userTask") -> etree._Element:
    text = f'<definitions xmlns="{BPMN}" xmlns:camunda="{CAMUNDA}"><{tag} id="t" {attributes}>{content}</{tag}>'
    return etree.fromstring(text + '<resource id="r" name="accounting"/></definitions>')[0]


# ---- expressions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["amount > 1000", "approved", "not approved", 'kind == "a" and len(items) > 2'])
def test_plain_text_is_python(text: str) -> None:
    assert expression(f"  {text}\n ") == text


def test_python_over_several_lines_stays_one_expression() -> None:
    ast.parse(expression("a > 1\n  and b  # both"), mode="eval")


@pytest.mark.parametrize(
    ("juel", "python"),
    [
        ("${approved}", "approved"),
        ("#{approved}", "approved"),
        ("${!approved}", "not approved"),
        ("${not approved}", "not approved"),
        ("${amount > 1000 && approved == true}", "(amount > 1000) and (approved == True)"),
        ("${amount gt 1 and amount le 2.50 || empty name}", None),
        ("${a || b && c}", "a or (b and c)"),
        ("${!a == b}", "(not a) == b"),
        ("${a ne null}", "a != None"),
        ("${order.customer.name == 'Ann'}", "order['customer']['name'] == 'Ann'"),
        ('${items[0]["price"] * 2 - 1}', "(items[0]['price'] * 2) - 1"),
        ("${10 div 4 mod 3}", "10 / 4 % 3"),
        ("${a - b + c}", "a - b + c"),
        ("${a - (b + c)}", "a - (b + c)"),
        ("${a == b == c}", "(a == b) == c"),
        ("${amount > 1000 ? 'high' : 'low'}", "'high' if (amount > 1000) else 'low'"),
        ("${'it\\'s ' + name}", """"it's " + name"""),
        ("${a == '}'}", "a == '}'"),
        ("${-1 < x}", "(-1) < x"),
        ("${empty list}", 'list in (None, "", [], {})'),
        ("${(a + b) * c}", "(a + b) * c"),
        ("${items.size() > 3}", "(len(items)) > 3"),
        ("${items.isEmpty()}", "len(items) == 0"),
        ("${order.items.contains('a' + b)}", "('a' + b) in order['items']"),
        ("${kind.equals('x') && !name.trim().isEmpty()}", None),
        ("${name.toLowerCase().startsWith('a')}", "(name.lower()).startswith('a')"),
        ("${prüfung}", "prüfung"),
        ("${007}", "7"),
    ],
)
def test_juel_is_translated(juel: str, python: str | None) -> None:
    ast.parse(expression(juel), mode="eval")
    if python is not None:
        assert expression(juel) == python


@pytest.mark.parametrize(
    ("juel", "known", "expected"),
    [
        ("${!a == b}", {"a": False, "b": True}, True),
        ("${a - b - c}", {"a": 9, "b": 3, "c": 2}, 4),
        ("${1 < a == true}", {"a": 2}, True),
        ("${empty a}", {"a": 0}, False),
        ("${empty a}", {"a": []}, True),
        ("${a ? b ? 1 : 2 : 3}", {"a": True, "b": False}, 2),
        ("${not empty a and a != 'x'}", {"a": "y"}, True),
        ("${a.b[1] % 2 == 1}", {"a": {"b": [0, 5]}}, True),
    ],
)
def test_translations_mean_the_same(juel: str, known: dict[str, object], expected: object) -> None:
    assert eval(expression(juel), {}, known) == expected


@pytest.mark.parametrize("sign", ["||", "or", "&&", "+"])
def test_a_chain_of_operators_needs_no_brackets(sign: str) -> None:
    assert "(" not in expression("${" + sign.join(["  a "] * 1_000) + "}")


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("${service.check(x)}", 10, "check()"),
        ("${now()}", 2, "now()"),
        ("${execution.id}", 2, "execution"),
        ("${a = 1}", 4, "compare with =="),
        ("${a", 0, "closes"),
        ("${a} > 3", 4, "one ${...}"),
        ("${a > }", 6, "the end"),
        ("${}", 2, "the end"),
        ("${a b}", 4, "to end"),
        ("${a & b}", 4, "&&"),
        ("${class == 1}", 2, "reserved"),
        ("${a.(b)}", 4, "property"),
        ("${a == " + "9" * 5_000 + "}", 7, "too large"),
        ("${a == 1e999}", 7, "too large"),
        ("${" + "(" * 50 + "a" + ")" * 50 + "}", 43, "brackets"),
        ("x" * (MAX_CHARACTERS + 1), 0, "characters"),
    ],
)
def test_what_has_no_plain_meaning_is_refused_with_its_place(text: str, offset: int, words: str) -> None:
    refused = refusal(text)

    assert words in refused.message
    assert refused.offset == offset


# ---- attributes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("ana", "'ana'"),
        ("${owner}", "owner"),
        ("team-${country}", "'team-' + str(country)"),
        ("it's", '"it\'s"'),
        ("${a > 1 ? 'x' : 'y'}!", "str('x' if (a > 1) else 'y') + '!'"),
    ],
)
def test_an_attribute_is_literal_but_for_its_expressions(text: str, source: str) -> None:
    assert value(text) == source


def test_lists_are_split_at_commas_outside_expressions() -> None:
    assert values("ana, ${a == ',' ? b : c},, team-${x}, ben ") == (
        "'ana'",
        "b if (a == ',') else c",
        "'team-' + str(x)",
        "'ben'",
    )


def test_the_terms_of_a_user_task() -> None:
    node = element(
        "",
        """camunda:assignee="${owner}" camunda:candidateUsers="ana,ben" camunda:candidateGroups="clerks"
        camunda:dueDate="P3D" camunda:followUpDate="${reminder}" camunda:priority="70" camunda:formKey="a.form" """,
    )

    assert terms(node) == Terms(
        assignee="owner",
        candidate_users=("'ana'", "'ben'"),
        candidate_groups=("'clerks'",),
        due="'P3D'",
        follow_up="reminder",
        priority="70",
        form_key="a.form",
    )


def role(tag: str, text: str) -> str:
    return (
        f"<{tag}><resourceAssignmentExpression><formalExpression>{text}</formalExpression>"
        f"</resourceAssignmentExpression></{tag}>"
    )


def test_the_terms_of_standard_roles() -> None:
    node = element(
        role("humanPerformer", "${owner}") + role("potentialOwner", "user(ana), group(clerks), ${team}, accountants")
    )

    assert terms(node) == Terms(
        assignee="owner", candidate_users=("'ana'",), candidate_groups=("'clerks'", "team", "'accountants'")
    )


def test_a_role_may_name_a_resource_of_the_file() -> None:
    node = element("<potentialOwner><resourceRef>r</resourceRef></potentialOwner>")

    assert terms(node).candidate_groups == ("'accounting'",)


def test_the_terms_of_mappings() -> None:
    node = element(
        """<extensionElements><camunda:inputOutput>
        <camunda:inputParameter name="a"> text </camunda:inputParameter>
        <camunda:inputParameter name="b">${x + 1}</camunda:inputParameter>
        <camunda:inputParameter name="c"><camunda:map><camunda:entry key="k">${y}</camunda:entry>
          <camunda:entry key="l"/></camunda:map></camunda:inputParameter>
        <camunda:inputParameter name="d"><camunda:list><camunda:value>1</camunda:value>
          <camunda:value>${z}</camunda:value></camunda:list></camunda:inputParameter>
        <camunda:inputParameter name="e"><camunda:script>len(items)</camunda:script></camunda:inputParameter>
        <camunda:outputParameter name="f">${g}</camunda:outputParameter>
        </camunda:inputOutput></extensionElements>"""
    )

    assert terms(node).inputs == (
        ("a", "'text'"),
        ("b", "x + 1"),
        ("c", "{'k': y, 'l': None}"),
        ("d", "['1', z]"),
        ("e", "len(items)"),
    )
    assert terms(node).outputs == (("f", "g"),)


def test_inputs_of_camunda_8_may_make_an_object_by_its_properties() -> None:
    given = (
        ("mail.to.name", "=customer"),
        ("note", "urgent"),
        ("mail.to.address", "a@b.c"),
        ("mail.title", "=title"),
    )
    drawn = "".join(f'<zeebe:input target="{target}" source="{source}"/>' for target, source in given)
    zeebe = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
    node = element(f"<extensionElements><zeebe:ioMapping {zeebe}>{drawn}</zeebe:ioMapping></extensionElements>")

    assert terms(node).inputs == (
        ("mail", "{'to': {'name': customer, 'address': 'a@b.c'}, 'title': title}"),
        ("note", "'urgent'"),
    )


@pytest.mark.parametrize(("text", "source"), [("orders", "orders"), ("${order.lines}", "order['lines']")])
def test_a_collection_is_the_name_of_a_variable(text: str, source: str) -> None:
    loop = f'<multiInstanceLoopCharacteristics camunda:collection="{text}" camunda:elementVariable="line"/>'

    assert terms(element(loop)) == Terms(collection=source, element_variable="line")


def test_the_terms_of_a_process() -> None:
    node = element("", 'camunda:candidateStarterGroups="sales" camunda:versionTag="v2"', "process")

    assert terms(node) == Terms(starter_groups=("sales",), version_tag="v2")


def test_who_may_start_is_known_at_upload() -> None:
    with pytest.raises(Untranslatable, match="plain text"):
        terms(element("", 'camunda:candidateStarterUsers="ana, ${boss}"', "process"))


def test_form_data_is_handed_over_as_it_is() -> None:
    form_data = terms(element("<extensionElements><camunda:formData/></extensionElements>")).form_data

    assert form_data is not None


@pytest.mark.parametrize(
    ("tag", "attribute"),
    [
        ("userTask", 'priority="high"'),
        ("serviceTask", 'topic="${x}"'),
        ("multiInstanceLoopCharacteristics", 'collection="a b"'),
        ("userTask", 'assignee="${a.b()}"'),
        ("userTask", 'formKey="${f}"'),
        ("serviceTask", 'expression="a"'),
        ("serviceTask", 'expression="${a.b()}"'),
    ],
)
def test_attributes_that_cannot_be_understood_are_refused(tag: str, attribute: str) -> None:
    with pytest.raises(Untranslatable):
        terms(element("", f"camunda:{attribute}", tag))


def test_scripts_in_other_languages_are_refused() -> None:
    script = """<extensionElements><camunda:inputOutput><camunda:inputParameter name="a">
      <camunda:script scriptFormat="ruby">1</camunda:script>
      </camunda:inputParameter></camunda:inputOutput></extensionElements>"""

    with pytest.raises(Untranslatable, match="ruby"):
        terms(element(script))
