/** The recorded sessions as the page is given them. */
import type { Content } from '../../src/pipeline.ts';
import type { Shown } from '../../src/view/session.ts';
import { loadStory } from '../support/stories.ts';

export const shownIn = (story: string, content: Content = 'full'): readonly Shown[] =>
  loadStory(story, { content }).sessions.map(({ id, traced: { session, spans, problems } }) => ({
    key: id.replaceAll('-', ''),
    session,
    spans,
    problems,
    content,
  }));
