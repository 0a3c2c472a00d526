/** On a student's pages: looks for answers that were not sent, and says so while they are. */
export async function startRescue(): Promise<void> {
  const csrf = document.querySelector<HTMLMetaElement>('meta[name="viva-csrf"]')?.content;
  if (!csrf || document.getElementById("exam-config") || !window.indexedDB) return;
  const { sendUnsent } = await import("../exam/rescue");
  const note = document.createElement("div");
  note.className = "alert alert-info viva-rescue";
  note.setAttribute("role", "status");
  await sendUnsent(csrf, ({ pending, trouble }) => {
    if (!note.isConnected) document.querySelector(".page-body .container-xl")?.prepend(note);
    note.classList.toggle("alert-success", pending === 0);
    const waiting = trouble === null ? "" : " Waiting for the network; it goes on by itself.";
    note.textContent =
      pending > 0
        ? `${pending} ${pending === 1 ? "answer" : "answers"} of your last test ${pending === 1 ? "is" : "are"} being sent. Leave this page open.${waiting}`
        : "The last answers of your test have arrived.";
  });
}
