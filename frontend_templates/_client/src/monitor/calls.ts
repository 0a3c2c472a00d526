/** The monitor's calls to the server. */

export interface Happening {
  at: string;
  kind: "move" | "signal" | "incident" | "message" | "identity" | "control";
  text: string;
  by: string | null;
}

export interface ControlReport {
  changed: string[];
  unchanged: string[];
  refused: Record<string, string>;
}

export class NotDone extends Error {}

export class Calls {
  constructor(
    private readonly deliveryId: string,
    private readonly csrf: string,
  ) {}

  message(studentIds: string[], text: string, isUrgent: boolean): Promise<unknown> {
    return this.#send("messages", { text, student_ids: studentIds, is_urgent: isUrgent });
  }
  incident(studentIds: string[], kind: string, text: string): Promise<unknown> {
    return this.#send("incidents", { kind, text, student_ids: studentIds });
  }
  /** `attemptIds` of a whole delivery: "all". Sent again with the same id, nothing is done twice. */
  control(controlId: string, action: string, attemptIds: string[] | "all", reason: string, minutes: number | null): Promise<ControlReport> {
    return this.#send("controls", { control_id: controlId, action, attempt_ids: attemptIds, reason, minutes });
  }
  identify(body: { code: string } | { student_id: string; reason: string }): Promise<{ student_id: string }> {
    return this.#send("identity", body);
  }
  async timeline(studentId: string): Promise<Happening[]> {
    const reply = await this.#call<{ happenings: Happening[] }>("GET", `candidates/${encodeURIComponent(studentId)}/timeline`);
    return reply.happenings;
  }

  #send<T>(path: string, body: object): Promise<T> {
    return this.#call("POST", path, body);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    let reply: Response;
    try {
      reply = await fetch(`/api/deliveries/${encodeURIComponent(this.deliveryId)}/${path}`, {
        method,
        credentials: "same-origin",
        cache: "no-store",
        headers: { Accept: "application/json", ...(body ? { "Content-Type": "application/json", "X-CSRF-TOKEN": this.csrf } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(20_000),
      });
    } catch {
      throw new NotDone("The server did not answer. Look at the list, then try again.");
    }
    if (reply.ok) return (await reply.json()) as T;
    const problem = (await reply.json().catch(() => ({}))) as { detail?: string; errors?: Record<string, string[]> };
    throw new NotDone(Object.values(problem.errors ?? {}).flat()[0] ?? problem.detail ?? "This was refused. Load the page again.");
  }
}
