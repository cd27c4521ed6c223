"""A real mail server (aiosmtpd) on loopback: it takes mail of one user, and writes down what arrived, read by Python's own parser.

    server.py MODE CERTIFICATE KEY FOLDER      MODE: starttls | smtps | plain
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, certificate, key, folder = sys.argv[1:5]
folder = pathlib.Path(folder)
PASSWORD = "correct horse battery"


class Handler:
    arrived = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is nobody of that name"
        greylisted = folder / "greylisted"
        if address.startswith("grey@") and not greylisted.exists():
            greylisted.touch()
            return "451 4.7.1 greylisted, come back"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        seen = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data,
            "encrypted": session.ssl is not None,
            "headers": [[name, str(value)] for name, value in message.items()],
            "defects": [str(defect) for defect in message.defects],
            "parts": parts,
        }
        Handler.arrived += 1
        fresh = folder / "fresh"
        fresh.write_text(json.dumps(seen))
        fresh.rename(folder / f"{Handler.arrived:03}.json")
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    right = data.login == b"alerts@example.org" and data.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False, auth_data=data.login.decode() if right else None)


async def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    options = {}
    if mode != "plain":
        options = {"authenticator": authenticate, "auth_required": True}
    if mode == "smtps":
        # aiosmtpd counts only its own STARTTLS as encrypted
        options |= {"auth_require_tls": False}
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    serving = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(), hostname="127.0.0.1", **options), "127.0.0.1", 0, ssl=context if mode == "smtps" else None
    )
    fresh = folder / "fresh-port"
    fresh.write_text(str(serving.sockets[0].getsockname()[1]))
    fresh.rename(folder / "port")
    await serving.serve_forever()


asyncio.run(serve())
