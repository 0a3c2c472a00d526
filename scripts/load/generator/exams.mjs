/** Whole exams: everybody arrives, all begin together, the monitor looks on. */
import { readFileSync, writeFileSync } from "node:fs";
import { Browser } from "./browser.mjs";
import { Candidate } from "./candidate.mjs";
import { Figures } from "./figures.mjs";
import { pause } from "./pause.mjs";
import { Room } from "./room.mjs";

const ACKNOWLEDGEMENTS = ["recording", "save"];

export async function sitExams(plan) {
  const figures = new Figures();
  const recording = readFileSync(plan.recording);
  let began = null;
  const away = (part, from, to) =>
    plan.away.parts.includes(part) && to >= began + plan.away.from_ms && from <= began + plan.away.until_ms;
  const candidates = plan.students.map((pass) => new Candidate(plan, pass, figures, recording, away));

  const admin = new Browser(plan.address, plan.admin, figures);
  const monitor = new Room(admin, "/live", "join_delivery", { delivery_id: plan.deliveries[0] });
  await monitor.entered;

  const first = (candidate) => candidate.enter(plan.deliveries[0]);
  if (!plan.takes_turns) {
    await spread(candidates, plan.lobby_ms, first);
    say(`${candidates.filter((candidate) => candidate.attempt).length} candidates are in and wait for the start`);
  }
  await pause(1000);

  say("start"); // from here on, whoever started us counts what everybody costs
  for (const [after_ms, word] of plan.signals) setTimeout(() => say(word), after_ms);
  const cpu = process.cpuUsage();
  began = performance.now();
  await spread(candidates, plan.start_within_ms, async (candidate) => {
    if (plan.takes_turns) await sitInTurn(candidate, plan.deliveries, began + plan.ends_ms);
    else await candidate.sit();
    await candidate.leave();
  });
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
      acknowledgements: figures.each(ACKNOWLEDGEMENTS, began),
      deferred: figures.each(["deferred"], began),
      acked: candidates.reduce((sum, candidate) => sum + candidate.acknowledged, 0),
      entered: candidates.reduce((sum, candidate) => sum + candidate.entered, 0),
      lost,
      exam_ms,
      generator_cpu: (user + system) / 1000 / exam_ms,
      monitor: { joined_ms: monitor.joined_ms, events: monitor.events, trouble: monitor.trouble },
    }),
  );
}

/** One exam after another, until no other is begun. */
async function sitInTurn(candidate, deliveries, ends) {
  for (const delivery of deliveries) {
    if (performance.now() >= ends || candidate.lost) return;
    await candidate.enter(delivery);
    await candidate.sit();
  }
}

/** Each one's turn, evenly over `within_ms`; waits for all. */
async function spread(everybody, within_ms, step) {
  const gap = within_ms / everybody.length;
  await Promise.all(everybody.map(async (one, number) => { await pause(number * gap); await step(one); }));
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
