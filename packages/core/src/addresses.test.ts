/** Which addresses a client may have us call, in every way that they can be written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIn, isNetwork, isPublicAddress, toNetworks } from './addresses.js';
import { createCallbackRules } from './callback-rules.js';

/** Controls: a check that refuses everything would pass all that follows. */
const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2600::1',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
  '2001:200::1',
  '2003::1',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
  '64:ff9b::8.8.8.8',
];

/** Why, and addresses that are refused for it. */
const NOT_PUBLIC: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '0::0'],
  private: ['10.0.0.0', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
  'shared by carriers': ['100.64.0.0', '100.127.255.255'],
  'link-local': ['169.254.0.1', '169.254.255.255', 'fe80::1', 'febf::1', 'fe80::1%eth0'],
  'site-local, long given up': ['fec0::1'],
  'unique local': ['fc00::1', 'fd00::1', 'fdff:ffff::1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  'broadcast and reserved': ['255.255.255.255', '240.0.0.1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  benchmarks: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  'protocol assignments': ['192.0.0.1', '192.0.0.192', '192.88.99.1', '2001::1', '2001:20::1'],
  'metadata of clouds': ['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254'],
  'IPv4-mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:10.0.0.1', '0:0:0:0:0:ffff:169.254.169.254'],
  'IPv4-compatible': ['::127.0.0.1', '::7f00:1', '::8.8.8.8'],
  'IPv4-translated': ['::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
  NAT64: ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::8.8.8.8'],
  '6to4': ['2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1'],
  Teredo: ['2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  'of no use yet': ['100::1', '200::1', '4000::1', '5f00::1', '3ffe::1'],
  'no address at all': ['', 'localhost', 'example.org', '0x7f.1', '2130706433', '127.1', '[::1]', '1.2.3.4.5'],
};

for (const address of PUBLIC) test(`${address} is public`, () => assert.equal(isPublicAddress(address), true));

for (const [why, addresses] of Object.entries(NOT_PUBLIC))
  for (const address of addresses)
    test(`"${address}" is not public: ${why}`, () => assert.equal(isPublicAddress(address), false));

test('networks hold their own addresses, IPv4-mapped ones too, and nothing around them', () => {
  const networks = toNetworks(['10.1.2.0/24', 'fd00:1::/64', '127.0.0.1/32']);
  for (const address of ['10.1.2.0', '10.1.2.255', '::ffff:10.1.2.3', '::ffff:a01:203', 'fd00:1::5', '127.0.0.1'])
    assert.equal(isIn(networks, address), true, address);
  for (const address of [
    '10.1.3.0',
    '10.1.1.255',
    '64:ff9b::10.1.2.3',
    'fd00:1:0:1::',
    '127.0.0.2',
    '::1',
    'x',
    'fe80::1%a',
  ])
    assert.equal(isIn(networks, address), false, address);
  assert.equal(isIn(toNetworks([]), '10.1.2.3'), false);
});

test('what is no network is told from what is one', () => {
  for (const good of ['10.0.0.0/8', '0.0.0.0/0', '::/0', 'fd00::/8', '127.0.0.1/32', '::1/128'])
    assert.equal(isNetwork(good), true, good);
  for (const bad of [
    '10.0.0.0',
    '10.0.0.0/33',
    '::/129',
    'x/8',
    '10.0.0/8',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '1::%a/8',
  ])
    assert.equal(isNetwork(bad), false, bad);
});

const rules = createCallbackRules({ allowHttp: false, allowedNetworks: [] });
const problemOf = (url: string, more: Partial<Parameters<typeof createCallbackRules>[0]> = {}) =>
  createCallbackRules({ allowHttp: true, allowedNetworks: [], ...more }).problem(new URL(url));

/** However it is written, what is checked is what would be connected to. */
const DISGUISED = [
  'http://127.0.0.1/',
  'http://127.0.0.1:6379/',
  'http://127.1/',
  'http://0x7f.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://017700000001/',
  'http://0177.0.0.1/',
  'http://127.0.0.1./',
  'http://１２７.０.０.１/',
  'http://⑫7.0.0.1/',
  'http://127。0。0。1/',
  'http://%31%32%37.0.0.1/',
  'http://0/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[0:0:0:0:0:ffff:127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://169.254.169.254/latest/meta-data/',
  'http://0xa9fea9fe/',
  'http://[fd00:ec2::254]/',
  'http://10.0.0.1/',
  'http://localhost/',
  'http://LOCALHOST./',
  'http://redis.localhost:6379/',
];

for (const url of DISGUISED)
  test(`${url} is refused when it is submitted`, () => assert.match(problemOf(url) ?? '', /WEBHOOK_ALLOWED_NETWORKS/));

test('names and public addresses are not refused before they are looked up', () => {
  for (const url of [
    'https://example.org/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]:8443/x?y',
    'https://localhost.example.org/',
  ])
    assert.equal(rules.problem(new URL(url)), undefined, url);
});

test('http is refused unless it is allowed', () => {
  assert.match(rules.problem(new URL('http://example.org/')) ?? '', /WEBHOOK_ALLOW_HTTP/);
  assert.equal(problemOf('http://example.org/'), undefined);
});

test('a network that is allowed may be called, by any way of writing it, and no other', () => {
  const allowedNetworks = ['127.0.0.0/8'];
  for (const url of ['http://127.0.0.1/', 'http://2130706433/', 'http://[::ffff:127.0.0.1]/', 'http://localhost/'])
    assert.equal(problemOf(url, { allowedNetworks }), undefined, url);
  for (const url of ['http://10.0.0.1/', 'http://[::1]/', 'http://[64:ff9b::7f00:1]/'])
    assert.ok(problemOf(url, { allowedNetworks }), url);
});
