import type { Rescued } from "../exam/rescue";

/** On a student's pages: looks for answers that were not sent, sends them, and says where they are. */
export async function startRescue(): Promise<void> {
  const [csrf, account] = ["viva-csrf", "viva-account"].map((name) => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content);
  if (csrf === undefined || account === undefined || document.getElementById("exam-config") || !window.indexedDB) return;
  const { sendUnsent } = await import("../exam/rescue");
  const note = document.createElement("div");
  const text = document.createElement("span");
  const file = document.createElement("button");
  note.setAttribute("role", "status");
  file.type = "button";
  file.className = "btn btn-sm btn-outline-secondary";
  file.textContent = "Save as a file";
  note.append(text, file);
  await sendUnsent({ csrf, account }, (rescued) => {
    if (!note.isConnected) document.querySelector(".page-body .container-xl")?.prepend(note);
    const told = tellOf(rescued);
    note.className = `alert alert-${told.tone} viva-rescue`;
    file.hidden = told.tone !== "warning";
    file.onclick = () => void rescued.saveFile();
    if (text.textContent !== told.text) text.textContent = told.text;
  });
}

/** In words: what is on its way, what has arrived, and what only this device has. */
export function tellOf({ pending, refused, trouble, isOver }: Pick<Rescued, "pending" | "refused" | "trouble" | "isOver">): { tone: "info" | "success" | "warning"; text: string } {
  const answers = (count: number): string => (count === 1 ? "1 answer" : `${count} answers`);
  const are = (count: number): string => (count === 1 ? "is" : "are");
  if (pending > 0 && !isOver) {
    const waiting = trouble === null ? "" : " Waiting for the network; it goes on by itself.";
    return { tone: "info", text: `${answers(pending)} of your last test ${are(pending)} being sent. Leave this page open.${waiting}` };
  }
  if (pending > 0) return { tone: "warning", text: `${answers(pending)} of your last test ${are(pending)} only on this device. Open the test again to send ${pending === 1 ? "it" : "them"}, or save a file for your campus admin.` };
  if (refused > 0) return { tone: "warning", text: `${answers(refused)} of your last test could not be taken, and ${are(refused)} kept on this device, encrypted, for a week. Save a file and give it to your campus admin, who can upload it.` };
  return { tone: "success", text: "The last answers of your test have arrived." };
}
