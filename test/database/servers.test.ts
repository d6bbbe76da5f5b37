import { expect, test } from 'vitest'
import { findPrimary, NoPrimaryError, serversOf } from '../../src/database/servers.ts'
import { freePorts } from '../support/ports.ts'

test.each([
  ['postgres://ann@a/x', [['a', 'postgres://ann@a/x']]],
  ['postgres://ann:a,b@db:5433/x', [['db:5433', 'postgres://ann:a,b@db:5433/x']]],
  ['postgresql:///x?host=/run/postgresql', [['', 'postgresql:///x?host=/run/postgresql']]],
  [
    'postgresql://ann:p%40,q@a:5432,[::1]:5433,c/x?sslmode=verify-full',
    [
      ['a:5432', 'postgresql://ann:p%40,q@a:5432/x?sslmode=verify-full'],
      ['[::1]:5433', 'postgresql://ann:p%40,q@[::1]:5433/x?sslmode=verify-full'],
      ['c', 'postgresql://ann:p%40,q@c/x?sslmode=verify-full'],
    ],
  ],
])('%s names its servers, each with a URL', (url, servers) => {
  const { all, current } = serversOf(url)
  expect(all.map((server) => [server.name, server.url])).toEqual(servers)
  expect(current).toBe(all[0])
})

test('the error without a primary names every server and its fault, and no password', async () => {
  const [one, other] = await freePorts(2)
  const failed = findPrimary(serversOf(`postgres://ann:hunter2@127.0.0.1:${one},127.0.0.1:${other}/x`))
  await expect(failed).rejects.toThrow(NoPrimaryError)
  const message = await failed.catch(String)
  expect(message).toMatch(
    new RegExp(`None of the servers can be written: 127.0.0.1:${one} cannot be used \\(.*ECONNREFUSED`),
  )
  expect(message).toContain(`127.0.0.1:${other} cannot be used (`)
  expect(message).not.toContain('hunter2')
})
