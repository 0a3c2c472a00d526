"""A candidate's page put into the middle of a test at once: the calls that its client would make, without the hours."""

from playwright.sync_api import Page

_BEGIN = """async ([delivery, position]) => {
  const csrf = document.querySelector('meta[name="viva-csrf"]').content;
  const call = async (path, body, headers = {}) => {
    const reply = await fetch(`/api${path}`, {
      method: "POST", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-CSRF-TOKEN": csrf, ...headers },
    });
    if (!reply.ok) throw new Error(await reply.text());
    return reply.json();
  };
  let now = await call(`/deliveries/${delivery}/attempts`, { client_id: crypto.randomUUID() });
  const lease = { "X-Attempt-Epoch": String(now.epoch) };
  if (now.state === "checking") {
    const checks = { browser: "passed", microphone: "passed", speaker: "passed", connection: "passed" };
    await call(`/attempts/${now.id}/check`, checks, lease);
    now = await call(`/attempts/${now.id}/begin`, {}, lease);
  }
  const moves = [], at = now.server_now;
  for (let n = now.position; n < position; n += 1) {
    moves.push({ kind: "open", position: n, at }, { kind: "close", position: n, at });
  }
  if (moves.length) now = await call(`/attempts/${now.id}/moves`, { moves }, lease);
  return [now.id, Object.fromEntries(now.sections.map((part) => [part.letter, part.first_position]))];
}"""


def begin_at(page: Page, delivery_id: str, position: int) -> tuple[str, dict[str, int]]:
    """The attempt of whoever is signed in, begun, with the items before `position` passed over without an answer; where
    each part begins, too. Any page of ours may be on; the test's own is to be opened, or loaded again, after it."""
    attempt_id, parts = page.evaluate(_BEGIN, [delivery_id, position])
    return attempt_id, parts
