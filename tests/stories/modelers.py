"""Diagrams as others draw them (Signavio, Camunda Modeler, bpmn.io, Eclipse, bpmn-studio), to each of their ends."""

from __future__ import annotations

from datetime import date

from tests.stories.telling import Telling, called_out, done, passes, pressed, sees, told

COMPLAINT = {"customer": "ACME", "worth": 900}
POLICY = {"title": "Bicycles", "names": "ben, kim, lee"}
PARCEL = {"parcel": "P-5", "sent": date(2026, 1, 2)}
APPLICATION = {"applicant": "Mia", "years": 30, "branch": "harbour", "wants_key": True, "hobbies": "Sailing"}
CHANGE = {"person": "Tim", "percent": 5}

STORIES = [
    Telling(
        "a trip is approved and booked",
        "travel-booking",
        (
            sees("ana", "Plan trip"),
            done("ana", "Plan trip"),
            pressed("ben", "Approve trip", "Approve"),
            pressed("ana", "Book trip", "Places booked"),
        ),
        "Trip needed > Plan trip > Approve trip > Trip in order? > Book trip > Places left? > Trip booked",
    ),
    Telling(
        "a trip is planned again and refused all the same",
        "travel-booking",
        (
            done("ana", "Plan trip"),
            pressed("ben", "Approve trip", "Plan again"),
            done("ana", "Plan trip"),
            pressed("ben", "Approve trip", "Refuse"),
        ),
        "Trip needed > Plan trip > Approve trip > Trip in order? > Plan trip > Approve trip"
        " > Trip in order? > Trip refused",
    ),
    Telling(
        "a trip that waits is told to the deputy and comes too late",
        "travel-booking",
        (
            done("ana", "Plan trip"),
            passes(days=2),
            sees("ben", "Approve trip", "Ask deputy"),
            done("ben", "Ask deputy"),
            pressed("ben", "Approve trip", "Approve"),
            pressed("ana", "Book trip", "Nothing left"),
        ),
        "Trip needed > Plan trip > Approve trip > Two days > Ask deputy > Deputy asked > Trip in order?"
        " > Book trip > Places left? > Nothing left",
    ),
    Telling(
        "goods without a fault go back",
        "goods-complaint",
        (done("ben", "Test goods", fault="none"), done("lee", "Send goods back")),
        "Complaint received > Examine goods > Goods arrived > Test goods > What fault? > No fault"
        " > Nothing wrong > Send goods back > Complaint rejected",
        given=COMPLAINT,
    ),
    Telling(
        "a minor fault of a small thing is refunded without a question",
        "goods-complaint",
        (done("ben", "Test goods", fault="minor"), done("ben", "Write report", report="A scratch")),
        "Complaint received > Examine goods > Goods arrived > Test goods > What fault? > Write report"
        " > Goods examined > Worth more than 500? > Refund > Refunded",
        given={**COMPLAINT, "worth": 80},
        services={"refund": ({"number": "R-1", "internal": 1},)},
        values={"receipt": "R-1"},
    ),
    Telling(
        "the authority is warned while the report is written and the refund refused",
        "goods-complaint",
        (
            done("ben", "Test goods", fault="danger"),
            sees("ben", "Write report"),
            sees("lee", "Warn authority"),
            done("ben", "Write report", report="It burns"),
            pressed("ben", "Approve refund", "Refuse", remark="Used wrongly"),
            done("lee", "Warn authority"),
        ),
        "Complaint received > Examine goods > Goods arrived > Test goods > What fault? > Danger found"
        " > Danger > Warn authority > Write report > Goods examined > Worth more than 500? > Approve refund"
        " > Refund? > Refund refused > Authority warned",
        given=COMPLAINT,
        values={"report": "It burns", "remark": "Used wrongly"},
    ),
    Telling(
        "a large refund is approved",
        "goods-complaint",
        (
            done("ben", "Test goods", fault="minor"),
            done("ben", "Write report", report="A dent"),
            pressed("ben", "Approve refund", "Refund"),
        ),
        "Complaint received > Examine goods > Goods arrived > Test goods > What fault? > Write report"
        " > Goods examined > Worth more than 500? > Approve refund > Refund? > Refund > Refunded",
        given=COMPLAINT,
        services={"refund": ({"number": "R-2"},)},
        values={"receipt": "R-2"},
    ),
    Telling(
        "two of three reviewers are a majority",
        "policy-approval",
        (
            done("kim", "Read policy", agree=True, remark="At last"),
            sees("lee", "Read policy"),
            done("ben", "Read policy", agree=True),
            sees("lee"),
            done("ben", "Publish policy"),
        ),
        "Policy drafted > List reviewers > Review > Review > Review > Read policy > Read policy"
        " > Read policy > Count > Reviewed > Count > Reviewed > Majority? > Publish policy"
        " > Policy published",
        given=POLICY,
        values={"in_favour": 2},
    ),
    Telling(
        "who does not read for three days abstains",
        "policy-approval",
        (done("ben", "Read policy", agree=True), done("kim", "Read policy", agree=False), passes(days=3), sees("lee")),
        "Policy drafted > List reviewers > Review > Review > Review > Read policy > Read policy"
        " > Read policy > Count > Reviewed > Count > Reviewed > Three days > Abstained > Majority?"
        " > Policy dropped",
        given=POLICY,
        values={"in_favour": 1},
    ),
    Telling(
        "the carrier pays for a parcel",
        "parcel-claim",
        (done("ana", "Write to carrier"), told("carrier answered", pays=True)),
        "Parcel missed > Write to carrier > Carrier answers > Carrier pays? > Paid by carrier",
        given=PARCEL,
        values={"pays": True},
    ),
    Telling(
        "the carrier does not pay but the insurer does",
        "parcel-claim",
        (
            done("ana", "Write to carrier"),
            told("carrier answered", pays=False),
            pressed("kim", "Claim from insurer", "Insurer pays"),
        ),
        "Parcel missed > Write to carrier > Carrier answers > Carrier pays? > Claim from insurer"
        " > Insurer pays? > Paid by insurer",
        given=PARCEL,
    ),
    Telling(
        "neither carrier nor insurer answers well",
        "parcel-claim",
        (done("ana", "Write to carrier"), passes(days=14), pressed("kim", "Claim from insurer", "Insurer refuses")),
        "Parcel missed > Write to carrier > Two weeks > Claim from insurer > Insurer pays? > Written off",
        given=PARCEL,
    ),
    Telling(
        "a parcel turns up",
        "parcel-claim",
        (done("ana", "Write to carrier"), told("parcel arrived"), sees("kim")),
        "Parcel missed > Write to carrier > Parcel turned up > Parcel delivered",
        given=PARCEL,
    ),
    Telling(
        "two plants are in order although the engineer was called twice",
        "plant-inspection",
        (
            passes(days=7),
            done("kim", "Inspect plant", stopped=False),
            passes(days=7),
            passes(days=7),
            sees("ben", "Call engineer", "Call engineer"),
            done("kim", "Inspect plant", stopped=False),
            pressed("ben", "Rate inspection", "in order"),
            done("ben", "Call engineer"),
            done("ben", "Call engineer"),
        ),
        "Inspection ordered > Inspect plant > Every week > Call engineer > Inspect plant > Every week"
        " > Call engineer > Rate inspection > Rating > Plants in order > Engineer called > Engineer called",
        given={"plants": 2},
    ),
    Telling(
        "a dangerous plant is shut down after the board knows",
        "plant-inspection",
        (
            done("kim", "Inspect plant", stopped=True),
            sees("kim"),
            pressed("ben", "Rate inspection", "dangerous"),
            done("ben", "Inform board"),
            done("lee", "Shut plant down", done=True),
        ),
        "Inspection ordered > Inspect plant > Rate inspection > Rating > to shutdown > shutdown"
        " > Inform board > Shut plant down > Board informed > Plant shut down",
        given={"plants": 5},
        status="terminated",
    ),
    Telling(
        "a plant is shut down before the board knows",
        "plant-inspection",
        (
            done("kim", "Inspect plant", stopped=False),
            pressed("ben", "Rate inspection", "dangerous"),
            done("lee", "Shut plant down", done=True),
            sees("ben"),
        ),
        "Inspection ordered > Inspect plant > Rate inspection > Rating > to shutdown > shutdown"
        " > Inform board > Shut plant down > Plant shut down",
        given={"plants": 1},
        status="terminated",
    ),
    Telling(
        "a grown up member gets a key",
        "membership",
        (done("ana", "Check application", verdict="accept", note="Welcome"), done("ana", "Hand over key")),
        "Membership wanted > Check application > Verdict > What is wanted? > Hand over key > Member",
        given=APPLICATION,
        values={"branch": "harbour", "verdict": "accept", "note": "Welcome"},
    ),
    Telling(
        "a young member gets a card only",
        "membership",
        (done("ana", "Check application", verdict="accept"),),
        "Membership wanted > Check application > Verdict > What is wanted? > Print card > Member",
        given={"applicant": "Tim", "years": 9, "branch": "city", "wants_key": True},
    ),
    Telling(
        "an incomplete application is completed and refused",
        "membership",
        (
            done("ana", "Check application", verdict="ask"),
            done("ana", "Complete application", applicant="Timothy", years=17, branch="city", wants_key=False),
            done("ana", "Check application", verdict="refuse"),
        ),
        "Membership wanted > Check application > Verdict > Complete application > Check application"
        " > Verdict > Turned down",
        given={"applicant": "Tim", "years": 9, "branch": "city", "wants_key": True},
        values={"applicant": "Timothy", "years": 17, "wants_key": False},
    ),
    Telling(
        "a salary is raised a little",
        "salary-change",
        (
            done("kim", "Check budget", budget_left=True),
            done("ben", "Lead talk", leaves=False),
            done("ben", "Decide on change", granted=5),
            sees("ben"),
        ),
        "Change asked for > Check budget > Talk to person > Lead talk > Leaves? > Person stays"
        " > Decide on change > Write letter > Salary changed",
        given=CHANGE,
    ),
    Telling(
        "a salary is raised so much that the board is told",
        "salary-change",
        (
            done("ben", "Lead talk", leaves=False),
            sees("ben"),
            done("kim", "Check budget", budget_left=True),
            done("ben", "Decide on change", granted=20),
            done("ben", "Inform board"),
        ),
        "Change asked for > Check budget > Talk to person > Lead talk > Leaves? > Person stays"
        " > Decide on change > Write letter > Inform board > Salary changed > Board told",
        given=CHANGE,
    ),
    Telling(
        "a salary stays as it is",
        "salary-change",
        (
            done("ben", "Lead talk", leaves=False),
            done("kim", "Check budget", budget_left=False),
            done("ben", "Decide on change", granted=0),
        ),
        "Change asked for > Check budget > Talk to person > Lead talk > Leaves? > Person stays"
        " > Decide on change > Nothing changed",
        given=CHANGE,
        values={"granted": 0, "budget_left": False},
    ),
    Telling(
        "a person leaves and the budget is no longer of interest",
        "salary-change",
        (
            done("ben", "Lead talk", leaves=True),
            sees("kim", "Check budget"),
            done("ana", "Lead exit interview"),
            sees("kim"),
        ),
        "Change asked for > Check budget > Talk to person > Lead talk > Leaves? > Person leaves > Quit"
        " > Lead exit interview > Person left",
        given=CHANGE,
        status="terminated",
    ),
    Telling(
        "a fee that is paid the second time gives a seat",
        "course-enrolment",
        (
            done("ana", "Ask for fee", paid=False),
            done("ana", "Ask for fee", paid=True),
            done("ana", "Give seat", seat=4),
        ),
        "Enrolled at the desk > Ask for fee > Ask for fee > Fee paid? > Give seat",
        given={"student": "Mia", "course": "sewing"},
        values={"seat": 4, "course": "sewing"},
    ),
    Telling(
        "a fee is asked for three times at most",
        "course-enrolment",
        (done("ana", "Ask for fee", paid=False),) * 3,
        "Enrolled at the desk > Ask for fee > Ask for fee > Ask for fee > Fee paid? > Not enrolled",
        given={"student": "Tim", "course": "welding"},
        values={"paid": False},
    ),
    Telling(
        "a course is cancelled for who enrolled on the web",
        "course-enrolment",
        (
            told("enrolled", student="Tim", course="welding"),
            sees("ana", "Ask for fee"),
            called_out("course cancelled"),
            done("ana", "Say sorry"),
        ),
        "Enrolled on the web > Ask for fee > Course cancelled > Say sorry",
        values={"student": "Tim"},
        by_hand=False,
    ),
]
