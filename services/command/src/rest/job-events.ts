/** What happens in a job, as server-sent events. */
import { encodeText, toJobJson } from '@runlane/core';
import type { WatchEvent } from '../watch.js';
import type { SentEvent } from './events.js';

export function toSentEvent(event: WatchEvent): SentEvent {
  return { id: event.id, event: event.type, data: dataOf(event) };
}

function dataOf(event: WatchEvent): unknown {
  switch (event.type) {
    case 'status':
      return { status: event.status };
    case 'stdout':
    case 'stderr':
      return encodeText(event.data);
    case 'case':
      return event.case;
    case 'gap':
      return {};
    case 'result':
      return toJobJson(event.view);
  }
}
