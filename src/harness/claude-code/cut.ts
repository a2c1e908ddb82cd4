/**
 * A long line of a tool's result → the same line without the text of the result, before it is parsed.
 *
 * in:   bytes of a line that nobody wants the content of
 * out:  the line's JSON value, or undefined: then the whole line has to be parsed
 *
 * Most bytes of a long session are results of tools, told twice in a line: in the message, and with whole files in
 * `toolUseResult`. Without content a span needs none of it but how the call ended. So what lies between two marks is
 * left out. A mark holds quotes, which within a string would be escaped, so it can only stand where it seems to. Where
 * a line is laid out otherwise the marks aren't found, or the rest is no JSON, and the line is parsed whole.
 */

/** Shorter lines are parsed as fast as they are searched. */
const LONG_BYTES = 4096;
/** The message comes first in its line, and little follows its text; other lines have an order of keys we don't know. */
const HEAD_BYTES = 600;

const RESULT = Buffer.from('"type":"tool_result"');
const FAILED = Buffer.from('"is_error":true');
const TEXT = Buffer.from('"type":"tool_result","content":"');
/** Of a result that succeeded, the only one of its line. A failure's text tells what kind of failure it was. */
const TEXT_ENDS = ['"}]},"uuid":"', '","is_error":false}]},"uuid":"'].map((mark) => Buffer.from(mark));
const DETAILS = Buffer.from('"toolUseResult":{');
/** How the details of the longest results begin, how much of that stays, and the mark that what can be left out ends with. */
const DETAIL_CUTS = [
  { begin: '"stdout":"', keeps: '"stdout":"', isText: true, end: '","stderr":"' },
  { begin: '"type":"text","file":', keeps: '', isText: false, end: '},"sourceToolAssistantUUID":"' },
  { begin: '"filePath":', keeps: '', isText: false, end: '},"sourceToolAssistantUUID":"' },
  { begin: '"type":"create","filePath":', keeps: '"type":"create"', isText: false, end: '},"sourceToolAssistantUUID":"' },
  { begin: '"type":"update","filePath":', keeps: '', isText: false, end: '},"sourceToolAssistantUUID":"' },
].map(({ begin, keeps, isText, end }) => ({ begin: Buffer.from(begin), keeps: keeps.length, isText, end: Buffer.from(end) }));

/** Between two fields of which the first is a text. */
const NEXT_FIELD = Buffer.from('","');
/** What the reader takes of such a line: none of it may be left out. */
const NEEDED = /"(?:permissionDecision|toolDenialKind|timestamp|uuid|sessionId|isMeta)":/;

export function valueWithoutResult(line: Buffer): unknown {
  if (line.length < LONG_BYTES) return undefined;
  const text = line.subarray(0, HEAD_BYTES).indexOf(TEXT);
  if (text < 0) return undefined;
  const from = text + TEXT.length;
  const details = line.indexOf(DETAILS, from);
  const message = details < 0 ? line : line.subarray(0, details);
  // Little follows the text: a look at the end of the message finds the mark sooner than one from its beginning.
  const tail = Math.max(from, message.length - HEAD_BYTES);
  const to = TEXT_ENDS.map((mark) => message.indexOf(mark, tail)).find((at) => at >= 0);
  if (to === undefined || holds(line, FAILED, 0, text) || holds(line, RESULT, 0, text)) return undefined;
  if (holds(line, NEXT_FIELD, from, to) || holds(line, RESULT, from, to)) return undefined;
  try {
    return JSON.parse(line.toString('utf8', 0, from) + withoutDetails(line, to, details));
  } catch {
    return undefined; // laid out otherwise than we thought, or no JSON at all: whoever parses it whole will see
  }
}

/** From the end of the result's text on. */
function withoutDetails(line: Buffer, to: number, details: number): string {
  const start = details + DETAILS.length;
  const cut = details < 0 ? undefined : DETAIL_CUTS.find(({ begin }) => line.subarray(start, start + begin.length).equals(begin));
  if (cut === undefined) return line.toString('utf8', to);
  const from = start + cut.keeps;
  const end = line.indexOf(cut.end, start);
  const otherwise = end < 0 || (cut.isText ? holds(line, NEXT_FIELD, from, end) : NEEDED.test(line.toString('latin1', from, end)));
  return otherwise ? line.toString('utf8', to) : line.toString('utf8', to, from) + line.toString('utf8', end);
}

const holds = (line: Buffer, mark: Buffer, from: number, to: number): boolean => line.subarray(from, to).includes(mark);
