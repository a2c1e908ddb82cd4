/**
 * What may stand where a name belongs, when nobody asked for content.
 *
 * in:   what a harness wrote down as the name of a tool, an agent, a model, a branch, a reason …
 * out:  `Names`: the name as it is, or undefined for what is none
 *
 * Such a field is a name as long as whoever filled it kept to it. But a model may call a tool by a sentence, and a person
 * an agent: then it is free text like any other, and goes where that goes, which is nowhere unless content is asked for.
 */
export interface Names {
  /** Tools, skills, reasons, versions: one word. */
  word(text: string | undefined): string | undefined;
  /** Agents and models, which people name as they like: three words at most, and no punctuation of sentences. */
  label(text: string | undefined): string | undefined;
  /** Branches: git takes no blanks in them. */
  branch(text: string | undefined): string | undefined;
}

const WORD = /^[!-~]{1,200}$/;
const LABEL = /^(?!.{129})[\p{L}\p{M}\p{N}\p{So}_.:@/\\#&+()<>[\]-]+(?: [\p{L}\p{M}\p{N}\p{So}_.:@/\\#&+()<>[\]-]+){0,2}$/u;
const BRANCH = /^[^\s\p{C}]{1,255}$/u;

const matching =
  (pattern: RegExp) =>
  (text: string | undefined): string | undefined =>
    text !== undefined && pattern.test(text) ? text : undefined;

const ONLY_NAMES: Names = { word: matching(WORD), label: matching(LABEL), branch: matching(BRANCH) };

const asItIs = (text: string | undefined): string | undefined => text;
const ANYTHING: Names = { word: asItIs, label: asItIs, branch: asItIs };

export const namesFor = (content: boolean): Names => (content ? ANYTHING : ONLY_NAMES);
