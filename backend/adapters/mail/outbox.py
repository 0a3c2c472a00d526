"""The local outbox: mail is kept here for a person to open instead of leaving the machine."""

import hashlib
from datetime import datetime, timedelta

from backend.adapters.mail.checks import Sender, check_mail, provider_key
from backend.core.outbox import KeptAttachment, OutboxMail, OutboxStore
from backend.core.ports import Attachment, Mail, Mailer


class OutboxMailer(Mailer):
    """Recognises a repeated key for ever: the key is the document's id."""

    key_lifetime = timedelta(days=36500)

    def __init__(self, *, store: OutboxStore, sender: Sender) -> None:
        self._store = store
        self._sender = sender

    def send(self, mail: Mail, *, now: datetime) -> str:
        check_mail(mail)
        key = provider_key(mail)
        attachments = tuple(self._keep(each) for each in mail.attachments)
        self._store.add(
            OutboxMail(
                id=key,
                from_name=self._sender.name,
                from_address=self._sender.address,
                to_name=mail.to_name,
                to_address=mail.to_address,
                subject=mail.subject,
                text=mail.text,
                html=mail.html,
                attachments=attachments,
                sent_at=now,
                order=f"{now:%Y%m%d%H%M%S%f}-{key}",
            )
        )
        return key

    def _keep(self, attachment: Attachment) -> KeptAttachment:
        blob_key = f"outbox/{hashlib.sha256(attachment.data).hexdigest()}"
        self._store.put_bytes(blob_key, attachment.data, content_type=attachment.content_type)
        return KeptAttachment(
            filename=attachment.filename,
            content_type=attachment.content_type,
            size=len(attachment.data),
            blob_key=blob_key,
        )
