"""Send one mail by the operator's mail server."""

from __future__ import annotations

import smtplib
import ssl
import time
from email.message import EmailMessage
from email.utils import formatdate

from webapp.config import Settings
from webapp.outbound.post import Answer

SECONDS = 10.0


def send_mail(to: str, subject: str, body: str, *, message_id: str, settings: Settings) -> Answer:
    """Send once. Never raises for what the server does; ``is_blocked`` says that another try would not help.

    ``message_id`` stays the same when the same message is sent again, so that mail programs show it once.
    """
    if not settings.smtp_host or not settings.smtp_from:
        return Answer(None, "No mail server is set (AGENTICBUILDER_SMTP_HOST and AGENTICBUILDER_SMTP_FROM).", 0, True)
    message = EmailMessage()
    message["From"], message["To"] = settings.smtp_from, to
    message["Subject"] = " ".join(subject.split())[:200]
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{message_id}@{settings.smtp_from.rpartition('@')[2]}>"
    message.set_content(body)
    began, status, is_final = time.monotonic(), None, False
    try:
        _send(message, settings)
        status, reason = 250, "The mail server took it."
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        reason, is_final = f"The mail server refused the address: {code} {_text(said)}", code >= 500
    except smtplib.SMTPResponseException as error:
        reason = f"The mail server answered {error.smtp_code} {_text(error.smtp_error)}"
        is_final = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError)
    except (smtplib.SMTPException, OSError) as error:
        reason = f"The mail server could not be reached: {error}"
    return Answer(status, reason[:500], round((time.monotonic() - began) * 1000), is_final)


def _send(message: EmailMessage, settings: Settings) -> None:
    context = ssl.create_default_context()
    where = (settings.smtp_host, settings.smtp_port)
    is_tls = settings.smtp_tls == "tls"
    server = (
        smtplib.SMTP_SSL(*where, timeout=SECONDS, context=context) if is_tls else smtplib.SMTP(*where, timeout=SECONDS)
    )
    with server:
        if settings.smtp_tls == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        server.send_message(message)


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
