/** The exam API's shapes, as ARCHITECTURE.md states them. All times in the names' units; moments are ISO 8601, UTC. */
export type AttemptState = "checking" | "in_progress" | "submitted" | "expired" | "voided";

export interface ItemView {
  position: number;
  section_letter: string;
  number: number;
  of: number;
  task: string;
  practice: boolean;
  text: string | null;
  prompt: { url: string; duration_ms: number } | null;
  window_ms: number;
  begin_within_ms: number;
  silence_end_ms: number;
  opened_at: string;
  elapsed_ms: number;
}

export interface SectionView {
  letter: string;
  title: string;
  task: string;
  instructions: string;
  example: string;
  instructions_audio_url: string | null;
  first_position: number;
  item_count: number;
  practice_count: number;
}

export interface AttemptSnapshot {
  id: string;
  state: AttemptState;
  number: number;
  server_now: string;
  opens_at?: string;
  closes_at?: string;
  started_at: string | null;
  deadline_at: string | null;
  title: string;
  student_name: string;
  total_items: number;
  position: number;
  item: ItemView | null;
  sections: SectionView[];
  demonstration: { title: string; text: string; audio_url: string | null } | null;
  stored_recordings: string[];
}

export interface Registration {
  recording_id: string;
  stored: boolean;
  upload?: { method: "PUT"; url: string; headers: Record<string, string>; expires_at: string };
}

export interface Pulse {
  server_now: string;
  state: AttemptState;
  deadline_at: string | null;
}

export interface DeviceCheck {
  browser: string;
  microphone: string;
  speaker: string;
  connection: string;
}
