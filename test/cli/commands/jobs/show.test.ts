import { expect, test } from 'vitest'
import { readLeft } from '../../../../src/cli/commands/jobs/show.ts'
import { HubRefusedError } from '../../../../src/cli/hub-errors.ts'
import { fakeHub } from '../../fake-hub.ts'

const answering = (drift: unknown) =>
  readLeft(
    fakeHub(() => ({ job: { drift } })),
    'reboot',
  )
const refusing = (code: string) =>
  readLeft(
    fakeHub(() => {
      throw new HubRefusedError(code, 'No.')
    }),
    'reboot',
  )

test('a job is shown with the number of its devices that no longer match, as far as the hub knows it', async () => {
  expect(await answering({ left: { value: 3, precision: 'EXACT' } })).toBe(3)
  expect(await answering({ left: { value: 10_000, precision: 'AT_LEAST' } })).toBe('≥ 10000')
  expect(await answering(null)).toBeNull()
  expect(await refusing('LIMIT_EXCEEDED')).toBeNull()
  await expect(refusing('FORBIDDEN')).rejects.toThrow('No.')
})
