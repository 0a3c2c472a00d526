/** The exam API's shapes, as ARCHITECTURE.md states them. All times in the names' units; moments are ISO 8601, UTC. */
export type AttemptState = "checking" | "in_progress" | "paused" | "submitted" | "expired" | "voided";

/** [epoch of this page's lease, count of changes]: a newer one replaces an older one, here and on the server. */
export type Sequence = readonly [epoch: number, count: number];

/** `at`: when it was made, by our estimate of the server's clock. */
export interface Move {
  kind: "open" | "close";
  position: number;
  at: string;
}

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
  /** Silence that ends a recording, before the first word and after it; 0: none does. */
  begin_within_ms: number;
  silence_end_ms: number;
  opened_at: string;
  elapsed_ms: number;
  /** How often the prompt was heard again, and may still be. */
  heard?: number;
  replays_left?: number;
  /** How it is answered, and what is on the screen beside the text. */
  answer_kind?: "recording" | "text" | "texts" | "choices";
  shown?: Shown;
  /** What the server has of a typed or chosen answer. */
  draft?: { sequence: Sequence; content: unknown } | null;
}

/** What an item shows beside its text; which parts there are depends on its task. */
export interface Shown {
  options?: string[];
  choose?: number;
  parts?: string[];
  left?: string[];
  right?: string[];
  gaps?: { options: string[] }[];
  points?: string[];
  source?: string;
  least_words?: number;
  most_words?: number;
  reading_ms?: number;
  stimulus?: { id: string; title: string; text: string | null };
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
  /** One time for all its items, between which the candidate goes to and fro; null: each item has its own. */
  time_limit_ms?: number | null;
}

export interface AttemptSnapshot {
  id: string;
  /** Grows with every change. */
  version?: number;
  state: AttemptState;
  number: number;
  server_now: string;
  opens_at?: string;
  closes_at?: string;
  started_at: string | null;
  deadline_at: string | null;
  /** The test's time as this candidate has it. */
  allowed_ms?: number;
  title: string;
  student_name: string;
  total_items: number;
  position: number;
  item: ItemView | null;
  /** All items of an open part with a time limit; `item` is the first of them. */
  part_items?: ItemView[];
  sections: SectionView[];
  demonstration: { title: string; text: string; audio_url: string | null } | null;
  stored_recordings: string[];
  /** Until when this candidate's break lasts, and what is left of all breaks. */
  break_until?: string | null;
  break_left_ms?: number;
  /** Whether the format lets this page go on without network. */
  goes_on_offline?: boolean;
  /** Whether the college asks for the full screen, where the device has one. */
  asks_full_screen?: boolean;
  /** What is different for this candidate. */
  conditions?: { extra_time: number; break_ms: number; replays: number; larger_text: boolean; no_silence_end?: boolean };
  /** Opens the package of the part that is on; null before its first item was opened. */
  section_key?: string | null;
  /** 32 bytes, base64url: what this device keeps of the attempt is sealed with it. */
  storage_key: string;
  /** Of this page's lease; grows with every page that takes the attempt over. */
  epoch?: number;
}

/** A message of the invigilator that was not said to be read yet. */
export interface Notice {
  id: string;
  text: string;
  is_urgent: boolean;
  sent_at: string;
}

export interface Pulse {
  server_now: string;
  state: AttemptState;
  version?: number;
  deadline_at: string | null;
  messages?: Notice[];
}

export interface DeviceCheck {
  browser: string;
  microphone: string;
  speaker: string;
  connection: string;
}
