/**
 * Takes away containers that nobody will: of owners that were killed. A running one needs no sweeper, for it ends when the
 * connection of its owner does; what is left then is a container that has ended, or one that was never started.
 */
import type { Engine } from './engine.js';
import { LABEL } from './settings.js';

/** Younger ones may be somebody's who is just making or removing them, in seconds. */
const LEAST_AGE_SECONDS = 60;

/** @param isOurs whether a container belongs to this process, which takes its own away itself. */
export async function sweep(engine: Engine, isOurs: (id: string) => boolean, leastAgeSeconds = LEAST_AGE_SECONDS) {
  const found = await engine.listContainers({
    all: true,
    filters: { label: [LABEL], status: ['created', 'exited', 'dead'] },
  });
  const oldest = Date.now() / 1000 - leastAgeSeconds;
  const left = found.filter(({ Id, Created }) => Created <= oldest && !isOurs(Id));
  // Another's sweeper may be first.
  await Promise.all(
    left.map(({ Id }) =>
      engine
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(() => {}),
    ),
  );
  return left.length;
}
