import { expect, test } from 'vitest'
import { ProxyHeaderError, readProxyHeader } from '../../src/limits/proxy-header.ts'

const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1')
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** A header of version 2: its version and command, its family, and what follows its length. */
function binary(command: number, family: number, rest: string, length = rest.length / 2): Buffer {
  const head = Buffer.from([command, family, length >> 8, length & 0xff])
  return Buffer.concat([signature, head, Buffer.from(rest, 'hex')])
}
const v4 = 'cb007109c000020110e11f90'
const v6 = `20010db8000000000000000000000007${'0'.repeat(32)}10e11f90`
const addition = '0300041234abcd'

test.each<[string, Buffer, string | undefined]>([
  ['an address of IPv4 in a line', line('PROXY TCP4 203.0.113.9 192.0.2.1 4321 8883'), '203.0.113.9'],
  ['an address of IPv6 in a line', line('PROXY TCP6 2001:db8::7 2001:db8::1 65535 0'), '2001:db8::7'],
  ['no address in a line', line('PROXY UNKNOWN'), undefined],
  ['no address in a line, whatever follows', line('PROXY UNKNOWN ffff::1 ffff::2 1 2'), undefined],
  ['an address of IPv4', binary(0x21, 0x11, v4), '203.0.113.9'],
  ['an address of IPv4 with additions', binary(0x21, 0x11, v4 + addition), '203.0.113.9'],
  ['an address of IPv6', binary(0x21, 0x21, v6), '2001:db8::7'],
  ['no address', binary(0x21, 0x00, ''), undefined],
  ['a connection of the proxy itself', binary(0x20, 0x00, ''), undefined],
  ['a connection of the proxy itself with addresses', binary(0x20, 0x11, v4), undefined],
])('%s is read, however it is cut, and what follows is left', (_what, header, client) => {
  const bytes = Buffer.concat([header, Buffer.from('PROXY')])
  expect(readProxyHeader(bytes)).toEqual({ length: header.length, client })
  for (let length = 0; length < header.length; length++)
    expect(readProxyHeader(header.subarray(0, length))).toBe(undefined)
})

test.each<[string, Buffer, RegExp]>([
  ['TLS', Buffer.from('1603010200', 'hex'), /no PROXY header/],
  ['MQTT', Buffer.from('101000044d515454', 'hex'), /no PROXY header/],
  ['the word in small letters', line('proxy TCP4 203.0.113.9 192.0.2.1 1 2'), /no PROXY header/],
  ['a line without an end', Buffer.from(`PROXY TCP4 ${'1'.repeat(96)}`), /too long/],
  ['an end after too much', line(`PROXY UNKNOWN ${'f'.repeat(92)}`), /too long/],
  ['a host name', line('PROXY TCP4 proxy.example 192.0.2.1 1 2'), /malformed/],
  ['another family', line('PROXY TCP4 2001:db8::7 2001:db8::1 1 2'), /malformed/],
  ['a zone', line('PROXY TCP6 fe80::1%eth0 fe80::2 1 2'), /malformed/],
  ['a missing port', line('PROXY TCP4 203.0.113.9 192.0.2.1 1'), /malformed/],
  ['a word too many', line('PROXY TCP4 203.0.113.9 192.0.2.1 1 2 3'), /malformed/],
  ['two spaces', line('PROXY TCP4  203.0.113.9 192.0.2.1 1 2'), /malformed/],
  ['an unknown version', binary(0x31, 0x11, v4), /unknown version or command/],
  ['an unknown command', binary(0x22, 0x11, v4), /unknown version or command/],
  ['UDP', binary(0x21, 0x12, v4), /no address of TCP/],
  ['a part of an address', binary(0x21, 0x21, v4), /no address of TCP/],
  ['additions without end', binary(0x21, 0x11, v4, 4_097), /too long/],
])('%s is not a header', (_what, bytes, reason) => {
  expect(() => readProxyHeader(bytes)).toThrow(ProxyHeaderError)
  expect(() => readProxyHeader(bytes)).toThrow(reason)
})
