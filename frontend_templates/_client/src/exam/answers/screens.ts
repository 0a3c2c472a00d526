/** The questions of all tasks that are typed or chosen. Imported once, where the exam starts. */
import { gapFill, matching, multipleChoice, multipleResponse, ordering } from "./chosen";
import { QUESTIONS } from "./registry";
import { dictation, email, essay, passageReconstruction, sentenceCompletion, typing } from "./typed";

Object.assign(QUESTIONS, {
  sentence_completion: sentenceCompletion,
  dictation,
  passage_reconstruction: passageReconstruction,
  email,
  essay,
  typing,
  multiple_choice: multipleChoice,
  multiple_response: multipleResponse,
  gap_fill: gapFill,
  ordering,
  matching,
});
