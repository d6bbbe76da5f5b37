import { expect, test } from 'vitest'
import { auditColumns } from '../../../src/cli/commands/audit.ts'
import { fields } from '../../../src/console/pages/audit/export.ts'

test('the console and the command export the same columns of the audit in the same order, the command also the ID', () => {
  expect(['id', ...fields.map(({ name }) => name)]).toEqual(auditColumns)
})
