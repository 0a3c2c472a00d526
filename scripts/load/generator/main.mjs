/** `node main.mjs PLAN.json`: does what the plan says and writes its figures to the file that the plan names. */
import { readFileSync } from "node:fs";
import { sitExams } from "./exams.mjs";
import { saveAnswers } from "./saves.mjs";

const plan = JSON.parse(readFileSync(process.argv[2], "utf-8"));
await { exams: sitExams, saves: saveAnswers }[plan.kind](plan);
process.exit(0);
