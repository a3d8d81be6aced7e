"""Signing in and out: access tokens that live with a session, and refresh tokens that are good for one use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import orjson
from pydantic import Field, StringConstraints

from runtime.data.ids import NIL, new_id
from runtime.data.queries import sql
from runtime.data.transactions import Record
from runtime.errors import NotFoundError, UnauthorizedError
from runtime.host.logs import security_event
from runtime.web.call import Call, Reply, Tenant
from runtime.web.fields import Body, EmailText, View
from runtime.web.routing import Routes
from runtime.web.tenancy import admit
from runtime.web.writes import record_audit

routes = Routes(tag="auth")

REFRESH_TOKEN_BYTES = 32

RefreshText = Annotated[str, StringConstraints(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class Login(Body):
    """Who signs in; the store is that of the address."""

    email: EmailText
    password: str = Field(min_length=1, max_length=128, examples=["a long and private sentence"])


class Refresh(Body):
    """The refresh token of the last answer; it is good once."""

    refresh_token: RefreshText


class TokensView(View):
    """An access token for the next ``expires_in`` seconds, and a refresh token to get the one after it."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str


class CsrfView(View):
    """What a page sends in ``X-CSRF-Token`` with whatever changes something."""

    csrf_token: str


class CookieView(CsrfView):
    """A page is signed in for the next ``expires_in`` seconds."""

    expires_in: int


class ProfileView(View):
    """Who is signed in, and what the role may do."""

    id: UUID
    email: str
    name: str
    role: str
    tenant_id: UUID | None
    permissions: list[str]


@routes.post(
    "/auth/login",
    public=True,
    transaction=False,
    summary="Sign in",
    body=Login,
    answers=TokensView,
    errors=(401, 429),
)
async def login(call: Call, body: Login) -> Reply:
    """The answer, and the time it takes, are the same for an unknown e-mail and a wrong password."""
    _, tokens = await _signed_in(call, body)
    return Reply(tokens)


@routes.post(
    "/auth/cookie",
    public=True,
    transaction=False,
    summary="Sign in a page",
    body=Login,
    answers=CookieView,
    errors=(401, 403, 429),
)
async def login_page(call: Call, body: Login) -> Reply:
    """Sets a cookie that scripts cannot read instead of answering tokens; only for pages of the same origin.

    Requests that change something then carry the answer's ``csrf_token`` in ``X-CSRF-Token``. Signing out clears the
    cookie.
    """
    cookies = call.context.cookies
    cookies.check_origin(call.request)
    session_id, tokens = await _signed_in(call, body)
    view = CookieView(expires_in=tokens.expires_in, csrf_token=cookies.csrf_token(session_id))
    kept = cookies.setting(call.request, tokens.access_token, tokens.expires_in)
    return Reply(view, headers={"Set-Cookie": kept})


@routes.get("/auth/csrf", summary="The page's CSRF token", answers=CsrfView)
async def get_csrf_token(call: Call) -> Reply:
    """For a page that was loaded anew: the token of its session."""
    return Reply(CsrfView(csrf_token=call.context.cookies.csrf_token(call.identity.session_id)))


async def _signed_in(call: Call, body: Login) -> tuple[UUID, TokensView]:
    """The new session and its tokens."""
    for _ in range(2):
        user = await _verified(call, body)
        opened = await _open_session(call, body, user)
        if opened is not None:
            return opened
        # Between the look at it and the session another sign-in hashed the password anew, or somebody changed it.
    raise _wrong_credentials()


async def _verified(call: Call, body: Login) -> Record:
    """The user whose e-mail and password these are; an attempt counts from before the password is looked at."""
    context, tenant = call.context, call.tenant
    async with context.throttle.attempt(tenant.id, body.email, call.address) as attempt:
        async with context.database.tenant(tenant.id) as tx:
            user = await tx.fetch_one(sql.get_sign_in, email=body.email)
        encoded = user["password_hash"] if user is not None else None
        matches = await context.passwords.verify(encoded, body.password)
        if user is None or not matches or not user["active"]:
            await attempt.failed()
            security_event("login_failed", tenant=tenant.slug, address=call.address)
            raise _wrong_credentials()
        await attempt.succeeded()
    return user


async def _open_session(call: Call, body: Login, user: Record) -> tuple[UUID, TokensView] | None:
    """Begin a session for the password that was verified; None when the user has another one by now."""
    context, tenant = call.context, call.tenant
    verified = user["password_hash"]
    renewed = await context.passwords.hash(body.password) if context.passwords.is_outdated(verified) else None
    session_id, token = new_id(), _new_refresh_token(tenant.id)
    expires_at = datetime.now(UTC) + timedelta(days=context.settings.refresh_token_days)
    async with context.database.tenant(tenant.id, user_id=user["id"]) as tx:
        if renewed is not None and not await tx.execute(
            sql.renew_password_hash, id=user["id"], verified=verified, password_hash=renewed
        ):
            return None
        created = await tx.execute(
            sql.create_session,
            id=session_id,
            for_user=user["id"],
            password_hash=renewed or verified,
            expires_at=expires_at,
            token_hash=_hash(token),
        )
        if not created:
            return None
        call.audit("auth.login", "session", session_id)
        await record_audit(call, tx)
    security_event("login", tenant=tenant.slug, user_id=str(user["id"]), address=call.address)
    return session_id, _tokens(call, tenant, user["id"], session_id, user["role"], expires_at, token)


@routes.post(
    "/auth/refresh",
    public=True,
    transaction=False,
    summary="Exchange a refresh token",
    body=Refresh,
    answers=TokensView,
    errors=(401,),
)
async def refresh(call: Call, body: Refresh) -> Reply:
    """A refresh token used twice was stolen from one of the two: its session ends."""
    context, tenant = call.context, await _tenant_of(call, body.refresh_token)
    given, token = _hash(body.refresh_token), _new_refresh_token(tenant.id)
    async with context.database.tenant(tenant.id) as tx:
        row = await tx.fetch_one(sql.use_refresh_token, token_hash=given)
        if row is not None:
            await tx.execute(
                sql.create_refresh_token,
                token_hash=_hash(token),
                session_id=row["session_id"],
                expires_at=row["expires_at"],
            )
    if row is not None:
        return Reply(
            _tokens(call, tenant, row["user_id"], row["session_id"], row["role"], row["expires_at"], token)
        )
    async with context.database.tenant(tenant.id) as tx:
        used = await tx.fetch_one(sql.get_used_refresh_token, token_hash=given)
    if used is not None:
        security_event("refresh_token_reused", tenant=tenant.slug, session_id=str(used["session_id"]))
        call.audit("auth.refresh_reused", "session", used["session_id"])
        await _end(call, tenant.id, used["session_id"])
    raise _refresh_refused()


@routes.post("/auth/logout", transaction=False, summary="Sign out", status=204)
async def logout(call: Call) -> Reply:
    """The session ends at once, everywhere, with all its tokens; a page's cookie is cleared."""
    identity = call.identity
    call.audit("auth.logout", "session", identity.session_id)
    await _end(call, call.tenant.id, identity.session_id, user_id=identity.user_id)
    security_event("logout", tenant=call.tenant.slug, user_id=str(identity.user_id), address=call.address)
    cookies = call.context.cookies
    if cookies.read(call.request) is None:
        return Reply(None)
    return Reply(None, headers={"Set-Cookie": cookies.setting(call.request, "", 0)})


@routes.get("/auth/me", summary="Who is signed in", answers=ProfileView)
async def me(call: Call) -> Reply:
    """The user of the token, with the role and the permissions of this moment."""
    row = await call.tx.fetch_one(sql.get_own_profile, id=call.identity.user_id)
    if row is None:
        raise NotFoundError
    tenant_id = None if call.tenant.id == NIL else str(call.tenant.id)
    profile = orjson.loads(row["body"])
    return Reply({**profile, "tenant_id": tenant_id, "permissions": sorted(call.identity.permissions)})


async def _end(call: Call, tenant_id: UUID, session_id: UUID, *, user_id: UUID | None = None) -> None:
    """Revoke a session, unless it has been already, and write the call's audit entries."""
    await call.context.sessions.doubt(tenant_id, [session_id])
    async with call.context.database.tenant(tenant_id, user_id=user_id) as tx:
        if await tx.execute(sql.revoke_session, id=session_id):
            await record_audit(call, tx)


def _tokens(
    call: Call,
    tenant: Tenant,
    user_id: UUID,
    session_id: UUID,
    role: str,
    session_ends: datetime,
    refresh_token: str,
) -> TokensView:
    lifetime_s = min(
        call.context.tokens.lifetime_s, max(1, int((session_ends - datetime.now(UTC)).total_seconds()))
    )
    access_token = call.context.tokens.issue(
        tenant_id=tenant.id,
        user_id=user_id,
        session_id=session_id,
        role=role,
        expires_at=int(datetime.now(UTC).timestamp()) + lifetime_s,
    )
    return TokensView(
        access_token=access_token,
        token_type="bearer",
        expires_in=lifetime_s,
        refresh_token=refresh_token,
    )


def _new_refresh_token(tenant_id: UUID) -> str:
    """The store's id, so that the token is enough on the bare host too, and 256 bits nobody can guess."""
    return base64.urlsafe_b64encode(tenant_id.bytes + secrets.token_bytes(REFRESH_TOKEN_BYTES)).decode()


async def _tenant_of(call: Call, refresh_token: str) -> Tenant:
    """The store of a refresh token, which has to be the one that the address names, if it names one."""
    try:
        raw = base64.b64decode(refresh_token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refresh_refused() from None
    if len(raw) != 16 + REFRESH_TOKEN_BYTES:
        raise _refresh_refused()
    tenant_id = UUID(bytes=raw[:16])
    if tenant_id == call.tenant.id:
        return call.tenant
    if call.tenant.id != NIL:
        security_event("tenant_mismatch", tenant=call.tenant.slug, token_of=str(tenant_id))
        raise _refresh_refused()
    tenant = await call.context.directory.by_id(tenant_id)
    if tenant is None:
        raise _refresh_refused()
    return admit(tenant)


def _wrong_credentials() -> UnauthorizedError:
    return UnauthorizedError(
        "wrong_credentials", "E-mail or password is wrong.", "E-mail ou senha incorretos."
    )


def _refresh_refused() -> UnauthorizedError:
    return UnauthorizedError(
        "refresh_token",
        "The refresh token is no longer good; sign in again.",
        "Entre novamente: sessão encerrada.",
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
