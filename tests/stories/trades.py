"""Diagrams from several trades, as people draw them in a modeler, to each of their ends."""

from __future__ import annotations

from datetime import date

from engine import BpmnError, ServiceFailed
from tests.stories.telling import Telling, called_out, done, passes, pressed, sees, told

LEAVE = {"employee": "ana", "days": 3, "first_day": date(2026, 2, 2)}
CLAIM = {"claim": "C-1"}
ORDER = {"customer": "ACME", "quantity": 3, "price": 20}

STORIES = [
    Telling(
        "a leave is approved by a button",
        "leave-request",
        (sees("ana"), sees("ben", "Approve leave"), pressed("ben", "Approve leave", "Approve")),
        "Leave requested > Approve leave > Approved? > Book the days > Leave granted",
        given=LEAVE,
    ),
    Telling(
        "a leave that waits is brought to mind each day and then refused",
        "leave-request",
        (passes(days=1), passes(days=1), sees("ben", "Approve leave"), pressed("ben", "Approve leave", "Refuse")),
        "Leave requested > Approve leave > Every day > Remind the managers > Reminded > Every day"
        " > Remind the managers > Reminded > Approved? > Leave refused",
        given=LEAVE,
    ),
    Telling(
        "a small sum is accepted without a look",
        "expense-report",
        (done("ana", "Hand in receipts", amount=40, purpose="Pens"), sees("ben"), sees("kim")),
        "Expenses incurred > Hand in receipts > How much? > Accept small sum > In order? > Pay out > Paid",
        given={"employee": "ana"},
        values={"approved": True, "amount": 40},
    ),
    Telling(
        "a middle sum goes to the lane of the team leads and back for correction",
        "expense-report",
        (
            done("ana", "Hand in receipts", amount=400, purpose="Train"),
            sees("kim"),
            done("ben", "Check by team lead", approved=False),
            done("ana", "Correct receipts", amount=4_000),
            sees("ben"),
            done("kim", "Check by accounting", approved=True),
        ),
        "Expenses incurred > Hand in receipts > How much? > Check by team lead > In order? > Correct receipts"
        " > How much? > Check by accounting > In order? > Pay out > Paid",
        given={"employee": "ana"},
        values={"approved": True, "amount": 4_000},
    ),
    Telling(
        "a covered claim is paid",
        "insurance-claim",
        (
            done("kim", "Assess damage", damage=900),
            done("ana", "Check policy", covered=True, suspicious=False),
        ),
        "Claim received > Examine claim > Assess damage > Check policy > Suspicious? > Examined > Covered?"
        " > Pay compensation > Claim settled",
        given=CLAIM,
    ),
    Telling(
        "a claim that is not covered is rejected",
        "insurance-claim",
        (
            done("ana", "Check policy", covered=False, suspicious=False),
            done("kim", "Assess damage", damage=900),
        ),
        "Claim received > Examine claim > Assess damage > Check policy > Suspicious? > Examined > Covered?"
        " > Claim rejected",
        given=CLAIM,
    ),
    Telling(
        "a suspicion takes the assessment away and an innocent claim goes on",
        "insurance-claim",
        (
            done("ana", "Check policy", covered=True, suspicious=True),
            sees("kim"),
            done("lee", "Investigate", guilty=False, damage=10),
        ),
        "Claim received > Examine claim > Assess damage > Check policy > Suspicious? > Fraud suspected"
        " > Fraud > Investigate > Guilty? > Covered? > Pay compensation > Claim settled",
        given={**CLAIM, "damage": 5},
    ),
    Telling(
        "a fraud ends with the police",
        "insurance-claim",
        (done("ana", "Check policy", covered=True, suspicious=True), done("lee", "Investigate", guilty=True)),
        "Claim received > Examine claim > Assess damage > Check policy > Suspicious? > Fraud suspected"
        " > Fraud > Investigate > Guilty? > Handed to the police",
        given=CLAIM,
        status="terminated",
    ),
    Telling(
        "a ticket is solved by the first level",
        "incident-ticket",
        (done("kim", "Work on ticket, first level", solved=True),),
        "Ticket opened > Work on ticket, first level > Solved? > Ticket closed",
    ),
    Telling(
        "a ticket that is not solved goes over the link to the second level",
        "incident-ticket",
        (
            done("kim", "Work on ticket, first level", solved=False),
            sees("kim"),
            done("lee", "Work on ticket, second level"),
        ),
        "Ticket opened > Work on ticket, first level > Solved? > to second level > second level"
        " > Work on ticket, second level > Closed by the second level",
    ),
    Telling(
        "a ticket that lies for four hours goes to the second level by itself",
        "incident-ticket",
        (passes(hours=4), sees("kim"), done("lee", "Work on ticket, second level")),
        "Ticket opened > Work on ticket, first level > Four hours > to second level > second level"
        " > Work on ticket, second level > Closed by the second level",
    ),
    Telling(
        "the end of an outage closes a ticket",
        "incident-ticket",
        (called_out("outage over"), sees("kim"), passes(hours=4)),
        "Ticket opened > Work on ticket, first level > Outage over > Closed by itself",
    ),
    Telling(
        "an order is packed, invoiced and paid",
        "order-to-cash",
        (told("order placed", **ORDER), done("lee", "Pack goods"), told("payment received", amount=60)),
        "Order placed > Fulfil order > Reserve goods > Pack goods > Send invoice > Payment received > Order closed",
        services={"invoice": ({"number": "I-7", "internal": 1},)},
        values={"invoice_number": "I-7", "amount": 60},
        by_hand=False,
    ),
    Telling(
        "an order that is not paid for two weeks is dunned",
        "order-to-cash",
        (
            told("order placed", **ORDER),
            done("lee", "Pack goods"),
            passes(days=14),
            done("kim", "Send reminder"),
            passes(days=13),
            told("payment received"),
        ),
        "Order placed > Fulfil order > Reserve goods > Pack goods > Send invoice > Two weeks > Send reminder"
        " > Payment received > Order closed",
        services={"invoice": ({"number": "I-7"},)},
        by_hand=False,
    ),
    Telling(
        "a cancelled order takes the packing back",
        "order-to-cash",
        (told("order placed", **ORDER), sees("lee", "Pack goods"), told("order cancelled"), sees("lee")),
        "Order placed > Fulfil order > Reserve goods > Pack goods > Order cancelled > Order cancelled",
        by_hand=False,
    ),
    Telling(
        "an order out of stock ends with an apology",
        "order-to-cash",
        (told("order placed", **ORDER), passes(seconds=3), done("ben", "Apologize to customer")),
        "Order placed > Fulfil order > Reserve goods > Out of stock > Apologize to customer > Order not possible",
        services={"reserve": (ServiceFailed("busy"), BpmnError("OUT_OF_STOCK", "none left"))},
        values={"errorCode": "OUT_OF_STOCK"},
        by_hand=False,
    ),
    Telling(
        "an applicant is not invited",
        "hiring",
        (done("ana", "Screen application", invite=False),),
        "Application received > Screen application > Invite? > Not invited",
    ),
    Telling(
        "three of four interviewers are enough to hire",
        "hiring",
        (
            done("ana", "Screen application", invite=True, interviewers="ben, kim, lee, ana"),
            sees("ana", "Interview candidate"),
            done("ben", "Interview candidate", vote="hire"),
            done("kim", "Interview candidate", vote="hire"),
            sees("kim"),
            done("lee", "Interview candidate", vote="hire"),
            sees("ana", "Make offer"),
            done("ana", "Make offer"),
        ),
        "Application received > Screen application > Invite? > List interviewers > Interview candidate"
        " > Interview candidate > Interview candidate > Interview candidate > Hire? > Make offer > Hired",
    ),
    Telling(
        "one vote against ends the interviews",
        "hiring",
        (
            done("ana", "Screen application", invite=True, interviewers="ben, kim"),
            done("kim", "Interview candidate", vote="pass"),
            sees("ben"),
        ),
        "Application received > Screen application > Invite? > List interviewers > Interview candidate"
        " > Interview candidate > Hire? > Not hired",
        values={"vote": "pass"},
    ),
    Telling(
        "an offer that nobody makes expires",
        "hiring",
        (
            done("ana", "Screen application", invite=True, interviewers="ben"),
            done("ben", "Interview candidate", vote="hire"),
            passes(days=7),
        ),
        "Application received > Screen application > Invite? > List interviewers > Interview candidate"
        " > Hire? > Make offer > A week > Offer expired",
    ),
    Telling(
        "a manuscript is reviewed one after the other, revised and published",
        "publication-review",
        (
            sees("kim", "Review manuscript"),
            sees("lee"),
            done("kim", "Review manuscript", opinion="weak"),
            done("lee", "Review manuscript", opinion="fair"),
            pressed("ben", "Decide on publication", "revise"),
            done("ana", "Revise manuscript"),
            done("kim", "Review manuscript", opinion="good"),
            done("lee", "Review manuscript", opinion="good"),
            pressed("ben", "Decide on publication", "accept"),
        ),
        "Manuscript submitted > Review manuscript > Review manuscript > Decide on publication > Decision"
        " > Revise manuscript > Review manuscript > Review manuscript > Decide on publication > Decision"
        " > Published",
        given={"reviewers": ["kim", "lee"], "author": "ana"},
        values={"opinions": ["good", "good"], "decision": "accept"},
    ),
    Telling(
        "a manuscript is rejected",
        "publication-review",
        (done("kim", "Review manuscript", opinion="bad"), pressed("ben", "Decide on publication", "reject")),
        "Manuscript submitted > Review manuscript > Decide on publication > Decision > Rejected",
        given={"reviewers": ["kim"], "author": "ana"},
        values={"opinions": ["bad"]},
    ),
    Telling(
        "a loan that asks for no check is filed and granted",
        "loan-application",
        (sees("ben", "Decide on loan"), pressed("ben", "Decide on loan", "Grant")),
        "Loan applied for > Score applicant > Determine interest > Which checks? > File application"
        " > Decide on loan > Decision > Loan granted",
        given={"income": 3_000, "amount": 10_000},
        services={"interest-rules": ({"rate": 0.04},)},
        values={"score": 100, "interest": 0.04},
    ),
    Telling(
        "a large loan to a weak applicant waits for both checks",
        "loan-application",
        (
            done("ana", "Check income"),
            sees("ben"),
            done("kim", "Value collateral"),
            pressed("ben", "Decide on loan", "Refuse"),
        ),
        "Loan applied for > Score applicant > Determine interest > Which checks? > Check income"
        " > Value collateral > Decide on loan > Decision > Loan refused",
        given={"income": 1_500, "amount": 60_000},
        services={"interest-rules": ({"rate": 0.09},)},
        values={"score": 30},
    ),
    Telling(
        "a large loan to a good applicant waits for one check",
        "loan-application",
        (done("kim", "Value collateral"), pressed("ben", "Decide on loan", "Grant")),
        "Loan applied for > Score applicant > Determine interest > Which checks? > Value collateral"
        " > Decide on loan > Decision > Loan granted",
        given={"income": 9_000, "amount": 30_000},
        services={"interest-rules": ({"rate": 0.05},)},
    ),
    Telling(
        "good goods are refunded",
        "product-return",
        (done("lee", "Look at goods", state="good"), done("kim", "Refund customer")),
        "Return announced > Handle return > Inspect goods > Look at goods > State? > Inspected"
        " > Refund customer > Return settled",
    ),
    Telling(
        "damaged goods are refunded and claimed from the carrier",
        "product-return",
        (
            done("lee", "Look at goods", state="damaged"),
            sees("kim", "Refund customer"),
            done("kim", "Refund customer"),
            done("ben", "Claim from carrier"),
        ),
        "Return announced > Handle return > Inspect goods > Look at goods > State? > Damaged > Damaged"
        " > Claim from carrier > Inspected > Refund customer > Return settled > Claimed",
    ),
    Telling(
        "lost goods end the return",
        "product-return",
        (done("lee", "Look at goods", state="lost"), sees("kim"), done("lee", "Search for parcel")),
        "Return announced > Handle return > Inspect goods > Look at goods > State? > Lost > Lost"
        " > Search for parcel > Search ended",
    ),
    Telling(
        "a machine is maintained by hand and worn belts are replaced",
        "machine-maintenance",
        (done("lee", "Check belts", worn=True), done("lee", "Replace belts"), done("lee", "Change oil")),
        "By hand > Change oil > Check belts > Worn? > Replace belts > Machine runs > Maintained",
    ),
    Telling(
        "a contract is renewed",
        "contract-renewal",
        (
            sees("ben"),
            passes(days=30),
            sees("ben", "Review contract"),
            sees("ana", "Review contract"),
            pressed("ana", "Review contract", "Renew"),
            done("ben", "Sign renewal"),
        ),
        "Contract signed > Three months before the end > Review contract > Renew? > Sign renewal",
        given={"owner": "ana", "review_date": "2026-02-04T09:00:00Z"},
    ),
    Telling(
        "a contract is reviewed after three reminders and no more",
        "contract-renewal",
        (
            *[passes(days=7)] * 5,
            sees("ana", "Review contract"),
            pressed("ana", "Review contract", "Terminate"),
        ),
        "Contract signed > Three months before the end > Review contract > Reminder > Write to owner"
        " > Reminder > Write to owner > Reminder > Write to owner > Renew? > Give notice",
        given={"owner": "ana", "review_date": date(2026, 1, 1)},
    ),
    Telling(
        "a question is asked back once and answered",
        "support-request",
        (
            done("ana", "Answer question", ask_back=True),
            told("customer answered", answer="blue"),
            done("ana", "Answer question", ask_back=False),
        ),
        "Question asked > Answer question > Ask back? > Wait for answer > Answer question > Ask back?"
        " > Question answered",
        values={"answer": "blue"},
    ),
    Telling(
        "a customer does not answer",
        "support-request",
        (done("ana", "Answer question", ask_back=True), passes(days=5)),
        "Question asked > Answer question > Ask back? > Five days > No answer",
    ),
    Telling(
        "a product is withdrawn while an answer is awaited",
        "support-request",
        (done("ana", "Answer question", ask_back=True), called_out("product withdrawn")),
        "Question asked > Answer question > Ask back? > Product withdrawn > No product, no question",
    ),
    Telling(
        "an order passes after its limit was raised",
        "purchase-order",
        (done("ben", "Raise limit", limit=90),),
        "Goods needed > Order at supplier > Price changed > Raise limit > Order at supplier > Ordered",
        given={"article": "A-1", "quantity": 2, "limit": 50},
        services={"order": (BpmnError("PRICE", "now 45 each"), {"number": "O-9"})},
        values={"order_number": "O-9", "limit": 90},
    ),
    Telling(
        "another error than the drawn ones is caught by the event without a code",
        "purchase-order",
        (done("ana", "Find other supplier"),),
        "Goods needed > Order at supplier > Anything else > Find other supplier > Supplier to be found",
        given={"article": "A-1", "quantity": 2, "limit": 50},
        services={"order": (BpmnError("CLOSED"),)},
        values={"errorCode": "CLOSED"},
    ),
    Telling(
        "two documents are checked side by side and one is requested again",
        "vendor-onboarding",
        (
            sees("kim", "Check document", "Check document"),
            done("kim", "Check document", complete=True),
            done("kim", "Check document", complete=False),
            done("ana", "Request document again"),
            done("kim", "Check document", complete=True),
            done("ben", "Sign frame contract"),
        ),
        "Vendor named > Check documents > Check documents > Check document > Check document > Complete?"
        " > Complete? > Request document again > Check document > Complete? > Sign frame contract"
        " > Vendor approved",
        given={"documents": ["register", "tax"]},
    ),
    Telling(
        "a vendor without documents goes on at once",
        "vendor-onboarding",
        (done("ben", "Sign frame contract"),),
        "Vendor named > Check documents > Sign frame contract > Vendor approved",
        given={"documents": []},
    ),
    Telling(
        "a vendor who sends nothing for thirty days is dropped",
        "vendor-onboarding",
        (done("kim", "Check document", complete=False), passes(days=30), sees("kim"), sees("ana")),
        "Vendor named > Check documents > Check documents > Check document > Check document > Complete?"
        " > Request document again > Thirty days > Vendor dropped",
        given={"documents": ["register", "tax"]},
    ),
    Telling(
        "the third room is large enough",
        "room-booking",
        (done("ana", "Confirm room"),),
        "Room needed > Look for a room > Look for a room > Look for a room > Found? > Confirm room"
        " > Hand over key > Room booked",
        given={"size": 12, "rooms": [4, 8, 12, 20], "tries": 0, "found": False},
        values={"room": 2, "tries": 3},
    ),
    Telling(
        "no room is large enough among the first three",
        "room-booking",
        (sees("ana"),),
        "Room needed > Look for a room > Look for a room > Look for a room > Found? > No room free",
        given={"size": 15, "rooms": [4, 8, 12, 20], "tries": 0, "found": False},
        values={"found": False},
    ),
    Telling(
        "a room that was found already is not looked for",
        "room-booking",
        (done("ana", "Confirm room"),),
        "Room needed > Found? > Confirm room > Hand over key > Room booked",
        given={"size": 15, "rooms": [20], "tries": 0, "found": True},
    ),
    Telling(
        "a genuine owner gets a link",
        "account-recovery",
        (told("password lost", account="mia"), done("ana", "Check identity", genuine=True)),
        "Password lost > Check identity > Lock account > Genuine? > Send link > Link sent",
        by_hand=False,
    ),
    Telling(
        "an attack is stopped",
        "account-recovery",
        (told("password lost", account="mia"), done("ana", "Check identity", genuine=False)),
        "Password lost > Check identity > Lock account > Genuine? > Attack stopped",
        status="terminated",
        by_hand=False,
    ),
    Telling(
        "a password that was found again changes nothing",
        "account-recovery",
        (told("password lost", account="mia"), told("password found"), sees("ana")),
        "Password lost > Check identity > Lock account > Password found > Unlock account > Nothing changed",
        status="terminated",
        by_hand=False,
    ),
    Telling(
        "a tender without questions is awarded",
        "tender-evaluation",
        (done("ana", "Read offers", technical=False, legal=False), done("ana", "Award contract")),
        "Tender opened > Read offers > Award contract > Inform winner > Inform losers > Winner informed"
        " > Losers informed",
    ),
    Telling(
        "a tender waits for both answers",
        "tender-evaluation",
        (
            done("ana", "Read offers", technical=True, legal=True),
            done("lee", "Answer legal questions"),
            sees("ana"),
            done("kim", "Answer technical questions"),
            done("ana", "Award contract"),
        ),
        "Tender opened > Read offers > Answer technical questions > Answer legal questions > Award contract"
        " > Inform winner > Inform losers > Winner informed > Losers informed",
    ),
    Telling(
        "a tender waits for the one answer that was asked for",
        "tender-evaluation",
        (
            done("ana", "Read offers", technical=False, legal=True),
            done("lee", "Answer legal questions"),
            done("ana", "Award contract"),
        ),
        "Tender opened > Read offers > Answer legal questions > Award contract > Inform winner"
        " > Inform losers > Winner informed > Losers informed",
    ),
    Telling(
        "a fault is not worth a recall",
        "product-recall",
        (pressed("ben", "Decide on recall", "Do nothing"), sees("lee")),
        "Fault found > Decide on recall > Recall? > No recall",
    ),
    Telling(
        "a patient comes to all visits and reports a side effect",
        "trial-enrolment",
        (
            done("kim", "See patient", suited=True, side_effect=False),
            done("kim", "See patient", suited=True, side_effect=True),
            sees("lee", "Report side effect"),
            done("kim", "See patient", suited=True, side_effect=False),
            done("lee", "Report side effect"),
        ),
        "Patient asked > Visits > See patient > Suited? > Side effect? > Visits > See patient > Suited?"
        " > Side effect? > Side effect > Side effect > Report side effect > Visits > See patient > Suited?"
        " > Side effect? > Visits over > Trial ended > Reported",
        given={"visits": 3},
    ),
    Telling(
        "a patient who is not suited leaves at the second visit",
        "trial-enrolment",
        (
            done("kim", "See patient", suited=True, side_effect=False),
            done("kim", "See patient", suited=False, side_effect=False),
            sees("kim"),
        ),
        "Patient asked > Visits > See patient > Suited? > Side effect? > Visits > See patient > Suited?"
        " > Not suited > Any error > Patient left",
        given={"visits": 3},
    ),
    Telling(
        "a month is closed although the bank is late",
        "monthly-closing",
        (
            done("kim", "Value stock"),
            done("kim", "Book wages"),
            passes(days=5),
            done("ben", "Ask bank for statements"),
            done("kim", "Reconcile bank"),
            pressed("ben", "Approve figures", "Approve"),
        ),
        "By hand > Reconcile bank > Value stock > Book wages > Five days > Ask bank for statements"
        " > Bank asked > Approve figures > Approved? > Month closed",
    ),
    Telling(
        "a closing is stopped while the bank is still being asked",
        "monthly-closing",
        (
            passes(days=5),
            done("kim", "Value stock"),
            done("kim", "Book wages"),
            done("kim", "Reconcile bank"),
            sees("ben", "Approve figures", "Ask bank for statements"),
            pressed("ben", "Approve figures", "Stop"),
            sees("ben"),
        ),
        "By hand > Reconcile bank > Value stock > Book wages > Five days > Ask bank for statements"
        " > Approve figures > Approved? > Closing stopped",
        status="terminated",
    ),
    Telling(
        "a parcel tells where it is until it is delivered",
        "shipment",
        (told("position", place="Bonn"), told("position", place="Ulm"), told("delivered"), sees("lee")),
        "Parcel handed over > On the way > Delivered > Position told > Note position > Position noted"
        " > Position told > Note position > Position noted > Parcel delivered",
        given={"stations": [], "patience": "P10D"},
        values={"stations": ["Bonn", "Ulm"]},
    ),
    Telling(
        "a parcel that does not arrive is searched for",
        "shipment",
        (told("position", place="Bonn"), passes(days=10), done("lee", "Search parcel")),
        "Parcel handed over > On the way > Delivered > Position told > Note position > Position noted"
        " > Ten days > Search parcel > Parcel searched",
        given={"stations": [], "patience": "P10D"},
    ),
]
