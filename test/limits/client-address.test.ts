import { expect, test } from 'vitest'
import { createProxies, networkIn } from '../../src/limits/client-address.ts'

const proxies = createProxies(['10.0.0.0/8', '192.0.2.1', '2001:db8:1::/48'].flatMap((text) => networkIn(text) ?? []))
const [proxy, client, stranger] = ['10.0.0.7', '198.51.100.4', '203.0.113.9']

test.each([
  ['10.255.255.255', true],
  ['::ffff:10.1.2.3', true],
  ['::ffff:a01:203', true],
  ['192.0.2.1', true],
  ['2001:db8:1:ffff::9', true],
  ['11.0.0.0', false],
  ['192.0.2.2', false],
  ['2001:db8:2::9', false],
  ['::a01:203', false],
  ['', false],
  ['unix', false],
])('%s is a trusted proxy: %s', (address, isTrusted) => {
  expect(proxies.isTrusted(address)).toBe(isTrusted)
})

test('without trusted proxies nobody is one', () => {
  const none = createProxies([])
  expect(none.isTrusted('127.0.0.1')).toBe(false)
  expect(none.clientOf('127.0.0.1', { 'x-forwarded-for': client })).toBe('127.0.0.1')
})

test.each([
  ['of a direct request is its own', client, {}, client],
  ['of a direct request is its own, whatever it claims', stranger, { 'x-forwarded-for': client }, stranger],
  ['is what the proxy adds', proxy, { 'x-forwarded-for': client }, client],
  ['is what the proxy adds to what the client claims', proxy, { 'x-forwarded-for': `${stranger}, ${client}` }, client],
  [
    'is the last that no trusted proxy has',
    proxy,
    { 'x-forwarded-for': `${stranger}, ${client},192.0.2.1, 10.0.0.8` },
    client,
  ],
  ['is the first proxy when there are only proxies', proxy, { 'x-forwarded-for': '10.0.0.9, 10.0.0.8' }, '10.0.0.9'],
  ['has no port', proxy, { 'x-forwarded-for': `${client}:5678` }, client],
  ['may be of IPv6', proxy, { 'x-forwarded-for': '2001:db8:9::1' }, '2001:db8:9::1'],
  ['may be of IPv6 with a port', proxy, { 'x-forwarded-for': '[2001:db8:9::1]:443' }, '2001:db8:9::1'],
  ['may come through a proxy of IPv6', '2001:db8:1::5', { 'x-forwarded-for': client }, client],
  ['is read from Forwarded', proxy, { forwarded: `for=${stranger};by=x, For=${client};proto=https` }, client],
  ['is read from Forwarded in quotes', proxy, { forwarded: 'proto=http;for="[2001:db8:9::1]:4711"' }, '2001:db8:9::1'],
  [
    'is read from both headers when they agree',
    proxy,
    { forwarded: `for=${client}`, 'x-forwarded-for': client },
    client,
  ],
  ['is the proxy when the headers disagree', proxy, { forwarded: `for=${stranger}`, 'x-forwarded-for': client }, proxy],
  ['is the proxy when it says nothing', proxy, {}, proxy],
  ['is the proxy when it does not know', proxy, { forwarded: 'for=unknown' }, proxy],
  ['is the proxy when it hides it', proxy, { forwarded: 'for="_gazonk"' }, proxy],
  ['is the proxy when Forwarded names none', proxy, { forwarded: 'proto=https' }, proxy],
  ['is the proxy after an empty entry', proxy, { 'x-forwarded-for': `${client}, ` }, proxy],
  ['is the proxy after garbage', proxy, { 'x-forwarded-for': `${client}, 1.2.3.4.5` }, proxy],
  ['is the proxy when an address has a zone', proxy, { 'x-forwarded-for': 'fe80::1%eth0' }, proxy],
  ['is the proxy when the client opens a quote', proxy, { forwarded: `for=${stranger};x=", for=${client}` }, proxy],
  [
    'is the proxy when the client opens a quote before one of the proxy',
    proxy,
    { forwarded: `for=${stranger};x=", for="[2001:db8:9::1]"` },
    proxy,
  ],
  ['is found in a long chain', proxy, { 'x-forwarded-for': `${`${stranger}, `.repeat(1000)}${client}` }, client],
])('the address %s', (_what, peer, headers, address) => {
  expect(proxies.clientOf(peer, headers)).toBe(address)
})

test.each([
  [proxy, { 'x-forwarded-proto': 'https' }, true],
  [proxy, { 'x-forwarded-proto': 'HTTPS' }, true],
  [proxy, { 'x-forwarded-proto': 'http, https' }, true],
  [proxy, { forwarded: 'for=x;proto=http, for=y;proto="https"' }, true],
  [proxy, { 'x-forwarded-proto': 'https, http' }, false],
  [proxy, { 'x-forwarded-proto': 'http', forwarded: 'proto=https' }, false],
  [proxy, { 'x-forwarded-proto': 'wss' }, false],
  [proxy, {}, false],
  [stranger, { 'x-forwarded-proto': 'https' }, false],
])('a request of %s with %j came by TLS: %s', (peer, headers, byTls) => {
  expect(proxies.cameByTls(peer, headers)).toBe(byTls)
})

test.each([
  '10.0.0.5/8',
  '10.0.0.0/33',
  '10.0.0.0/0',
  '10.0.0.0/08',
  '10.0.0.0/',
  '10.0.0',
  '10.0.0.0/8/8',
  '::/0',
  '2001:db8::1/32',
  '2001:db8::/129',
  '[2001:db8::1]',
  'fe80::1%eth0',
  'proxy.example',
  '*',
  '',
])('%j is no network', (text) => {
  expect(networkIn(text)).toBeUndefined()
})
