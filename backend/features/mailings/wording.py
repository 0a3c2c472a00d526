"""Why a mail did not go, in plain words with the next step. Codes come from the mail adapters and from ourselves."""

REASONS = {
    "no_address": "No e-mail address is known. Add one to the student, then send again.",
    "address_refused": "The address was refused. Correct it at the student, then send again.",
    "header_refused": "The name or address contains characters that mail does not allow. Correct it, then send again.",
    "message_refused": "The mail service refused the message. Send again; if it fails again, ask for support.",
    "withdrawn": "The result was withdrawn before the mail went. Release it, then send again.",
    "superseded": "A later result of this student was released since: mail that one. This one will not go.",
    "not_made": "Making the mail was interrupted several times. Send again; if it fails again, ask for support.",
    "student_missing": "The student is no longer there.",
    "pdf_not_rendered": "The report could not be made. Ask for support.",
    "scale_missing": "The report could not be made: its scale is missing. Ask for support.",
    "provider_unreachable": "The mail service cannot be reached.",
    "provider_failed": "The mail service had a failure of its own.",
    "provider_silent": "The connection broke while the mail was on its way.",
    "interrupted": "Sending was interrupted while the mail was on its way.",
    "provider_busy": "The mail service takes no more mail for now.",
    "provider_out_of_credits": "The mail service's quota is used up.",
    "provider_refused_key": "The mail service refused our access. Its settings need a look.",
    "database_unreachable": "The database did not answer. Send again.",
    "blob_store_unreachable": "The store of files did not answer. Send again.",
}


def reason_text(reason: str | None) -> str:
    """The reason in plain words; "" for none."""
    if not reason:
        return ""
    return REASONS.get(reason, f"The mail did not go ({reason.replace('_', ' ')}). Send again.")
