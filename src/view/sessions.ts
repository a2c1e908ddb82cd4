/**
 * Sessions as the server asks for them: one is built when it is first looked at, and kept while it is as it was.
 *
 * in:   how to build a session, and what tells that its files changed
 * out:  rows and details by key
 */
import { detailsOf } from './details.ts';
import type { SpanDetails, ViewSession } from './model.ts';
import { spanObjectsOf } from './objects.ts';
import { type Shown, viewSessionOf } from './session.ts';

/** One as built. */
export interface OpenedSession {
  readonly view: ViewSession;
  /** Undefined: no such span. */
  details(spanId: string): SpanDetails | undefined;
}

export function openSession(shown: Shown): OpenedSession {
  const objects = spanObjectsOf(shown.session);
  const view = viewSessionOf(shown, objects);
  const rowOf = new Map(view.spans.map(({ id }, at) => [id, at]));
  const spanOf = new Map(shown.spans.map((span) => [span.spanId, span]));
  return {
    view,
    details: (id) => {
      const span = spanOf.get(id);
      return span && detailsOf(span, objects.get(id), rowOf);
    },
  };
}

/** A session with its content may be hundreds of megabytes. */
const KEPT = 3;

/** @returns a way to open a session: `fresh` builds it again when its files have changed */
export function sessionsKept(
  build: (key: string) => Shown | undefined,
  stampOf: (key: string) => string | undefined,
): (key: string, fresh: boolean) => OpenedSession | undefined {
  const kept = new Map<string, { readonly stamp: string | undefined; readonly opened: OpenedSession }>();
  return (key, fresh) => {
    const known = kept.get(key);
    const stamp = fresh || known === undefined ? stampOf(key) : known.stamp;
    kept.delete(key);
    if (known !== undefined && known.stamp === stamp) {
      kept.set(key, known);
      return known.opened;
    }
    const shown = build(key);
    if (shown === undefined) return undefined;
    const opened = openSession(shown);
    kept.set(key, { stamp, opened });
    for (const oldest of [...kept.keys()].slice(0, -KEPT)) kept.delete(oldest);
    return opened;
  };
}
