/** Whole exams: everybody arrives, all begin together, the monitor looks on. */
import { readFileSync, writeFileSync } from "node:fs";
import { Browser } from "./browser.mjs";
import { Candidate, pause } from "./candidate.mjs";
import { Figures } from "./figures.mjs";
import { Room } from "./room.mjs";

const ACKNOWLEDGEMENTS = ["recording", "save"];

export async function sitExams(plan) {
  const figures = new Figures();
  const recording = readFileSync(plan.recording);
  const candidates = plan.students.map((pass) => new Candidate(plan, pass, figures, recording));

  const admin = new Browser(plan.address, plan.admin, figures);
  const monitor = new Room(admin, "/live", "join_delivery", { delivery_id: plan.delivery_id });
  await monitor.entered;

  await spread(candidates, plan.lobby_ms, (candidate) => candidate.enter());
  say(`${candidates.filter((candidate) => candidate.attempt).length} candidates are in and wait for the start`);
  await pause(1000);

  say("start"); // from here on, whoever started us counts what everybody costs
  const cpu = process.cpuUsage();
  const began = performance.now();
  await spread(candidates, plan.start_within_ms, (candidate) => candidate.sit());
  const exam_ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  monitor.leave();

  const journal = candidates.flatMap((candidate) => candidate.journal);
  const lost = candidates.filter((candidate) => candidate.lost).map((candidate) => candidate.lost);
  writeFileSync(plan.journal, journal.map((entry) => JSON.stringify(entry)).join("\n"));
  writeFileSync(
    plan.outcome,
    JSON.stringify({
      ...figures.summary(),
      acknowledgement: figures.together(ACKNOWLEDGEMENTS),
      acked: candidates.reduce((sum, candidate) => sum + candidate.acknowledged, 0),
      lost,
      exam_ms,
      generator_cpu: (user + system) / 1000 / exam_ms,
      monitor: { joined_ms: monitor.joined_ms, events: monitor.events, trouble: monitor.trouble },
    }),
  );
}

/** Each one's turn, evenly over `within_ms`; waits for all. */
async function spread(everybody, within_ms, step) {
  const gap = within_ms / everybody.length;
  await Promise.all(everybody.map(async (one, number) => { await pause(number * gap); await step(one); }));
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
