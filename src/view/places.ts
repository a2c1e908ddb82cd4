/**
 * A session that is given away: without where it lay on this machine.
 *
 * in:   an opened session, what its project may be called
 * out:  the same session; labels tell paths within the project as the page does, which would need its whole path for that
 */
import { basename } from 'node:path';
import { withinProject } from './page/format.ts';
import type { OpenedSession } from './sessions.ts';

export function withoutPlaces({ view, details }: OpenedSession, name: string | undefined): OpenedSession {
  const { project, ...rest } = view;
  return {
    view: {
      ...rest,
      spans: view.spans.map((span) => (span.label === undefined ? span : { ...span, label: withinProject(span.label, project) })),
      problems: view.problems.map((problem) => ({ ...problem, file: basename(problem.file) })),
      ...(name !== undefined && { project: name }),
    },
    details,
  };
}
