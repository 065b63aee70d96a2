"""Sign in, sign out, own password; who is asking on every request."""

from __future__ import annotations

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError

from engine import Account, Actor, InvalidValues, NotFound, accounts
from web.context import NOBODY, actor, command, engine, is_fragment, own_path, reading
from web.errors import Refusal, answer, refuse
from web.security import PROGRAMS, limiter

bp = Blueprint("auth", __name__)

PUBLIC = frozenset({"auth.login", "health.healthz", "health.metrics", "health.readyz", "static"})
"""Endpoints that need no sign-in; everything else does."""

FAILURES_PER_ADDRESS = "30 per minute; 300 per hour"
FAILURES_PER_NAME = "10 per 5 minutes; 50 per day"


class Person(UserMixin):
    """An account as Flask-Login wants it; a password change ends sessions begun before it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id = account.id
        self.name = account.name
        self.roles = account.roles

    def get_id(self) -> str:
        return f"{self.account.session_version}:{self.account.id}"


def init_app(app: Flask) -> None:
    manager = LoginManager()
    manager.user_loader(load_person)
    manager.init_app(app)
    app.before_request(require_person)
    app.register_error_handler(CSRFError, _refuse_token)


def load_person(key: str) -> Person | None:
    """Find whose session it is; None when the account is gone, switched off, or has a newer password."""
    if g.get("is_database_away"):
        return None
    version, _, account_id = key.partition(":")
    try:
        with engine().reading(Actor(account_id)) as tx:
            account = accounts.get(tx, account_id)
    except NotFound:
        return None
    is_current = account.is_active and str(account.session_version) == version
    return Person(account) if is_current else None


def require_person() -> ResponseReturnValue | None:
    """Send whoever is not signed in to the sign-in page, and back afterwards."""
    is_open = request.endpoint is None or request.endpoint in PUBLIC or not PROGRAMS.isdisjoint(request.blueprints)
    if is_open or current_user.is_authenticated:
        return None
    if is_fragment() or request.accept_mimetypes.best == "application/json":
        return answer(Refusal(401, "You are signed out", "Sign in again to go on."), back=sign_in_url())
    if request.method == "POST":
        flash("You were signed out, so nothing was changed. Sign in and do it again.", "warning")
    return redirect(sign_in_url())


def _refuse_token(error: CSRFError) -> ResponseReturnValue:
    """Whose session has ended reads that, and not what it did to the token of the page."""
    return require_person() or refuse(error)


def sign_in_url() -> str:
    """The sign-in page that leads back to the page the person is on."""
    shown = request.headers.get("HX-Current-URL") if is_fragment() else request.full_path
    if request.method != "GET":
        shown = request.referrer
    here = own_path(shown)
    return url_for("auth.login", next=here.rstrip("?") if here and here not in ("/", "/?") else None)


def _name() -> str:
    return f"name:{request.form.get('id', '').strip().lower()}"


def _is_failure(response: object) -> bool:
    return getattr(response, "status_code", 0) == 422


@bp.route("/login", methods=["GET", "POST"])
@limiter.limit(FAILURES_PER_ADDRESS, methods=["POST"], deduct_when=_is_failure)
@limiter.limit(FAILURES_PER_NAME, key_func=_name, methods=["POST"], deduct_when=_is_failure)
def login() -> ResponseReturnValue:
    target = own_path(request.args.get("next")) or url_for("inbox.index")
    if request.method != "POST":
        return redirect(target) if current_user.is_authenticated else render_template("login.html")
    typed = request.form.get("password", "")
    with engine().reading(NOBODY) as tx:
        account = accounts.verify(tx, request.form.get("id", "").strip(), typed)
        has_old_hash = account is not None and accounts.has_old_hash(tx, account.id)
    if account is None:
        return render_template("login.html", refused=True, typed=request.form.get("id", "")), 422
    if has_old_hash:
        with engine().transaction(account.actor) as tx:
            accounts.renew_hash(tx, account.id, typed)
    session.clear()
    session.permanent = True
    login_user(Person(account))
    return redirect(target)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    logout_user()
    session.clear()
    flash("You are signed out.", "success")
    return redirect(url_for("auth.login"))


@bp.route("/password", methods=["GET", "POST"])
@limiter.limit(FAILURES_PER_NAME, key_func=lambda: f"own:{actor().id}", methods=["POST"], deduct_when=_is_failure)
def password() -> ResponseReturnValue:
    if request.method != "POST":
        return render_template("password.html", errors={})
    try:
        _require_own_password()
        new = typed_password()
        with command() as tx:
            accounts.set_password(tx, actor().id, new)
            account = accounts.get(tx, actor().id)
    except InvalidValues as refused:
        return render_template("password.html", errors=refused.errors), 422
    login_user(Person(account))
    flash("Your password is changed. Every other session of yours has ended.", "success")
    return redirect(url_for("auth.password"))


def _require_own_password() -> None:
    with reading() as tx:
        if accounts.verify(tx, actor().id, request.form.get("present", "")) is None:
            raise InvalidValues({"present": "This is not your present password."})


def typed_password() -> str:
    """A new password that was typed twice the same. Raises InvalidValues; the engine checks its length."""
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        raise InvalidValues({"again": "This differs from the new password. Type it once more."})
    return password
