import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callbackUrlProblem } from './callback-url.js';

for (const good of [
  'https://example.org',
  'https://example.org:8443/hooks/runlane?course=7&token=x%20y',
  'http://192.0.2.1/',
  'https://[2001:db8::1]/',
  'https://example.org/@name',
  'https://example.org/?mail=a@b.org',
])
  test(`${good} can be called`, () => assert.equal(callbackUrlProblem(good), undefined));

for (const [bad, why] of [
  ['', /absolute/],
  ['example.org', /absolute/],
  ['/hooks', /absolute/],
  ['//example.org/', /absolute/],
  ['https://', /absolute/],
  ['https://exa mple.org/', /blanks/],
  [' https://example.org/', /blanks/],
  ['https://example.org/\r\nHost: other', /blanks/],
  ['https://example.org/a\tb', /blanks/],
  ['https:\\\\example.org\\', /"\\"/],
  ['ftp://example.org/', /https:\/\//],
  ['file:///etc/passwd', /https:\/\//],
  ['gopher://127.0.0.1:6379/', /https:\/\//],
  ['javascript:alert(1)', /https:\/\//],
  ['https://user@example.org/', /password/],
  ['https://user:password@example.org/', /password/],
  ['https://:@example.org/', /password/],
  ['https://@example.org/', /password/],
  ['https://example.org@127.0.0.1/', /password/],
  ['https://example.org/#part', /fragment/],
  ['https://example.org/#', /fragment/],
  [`https://example.org/${'x'.repeat(2_048)}`, /2048 bytes/],
] as const)
  test(`${JSON.stringify(bad.slice(0, 60))} cannot`, () => assert.match(callbackUrlProblem(bad) ?? '', why));
