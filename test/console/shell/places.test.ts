import { expect, test } from 'vitest'
import { placesOf } from '../../../src/console/shell/places.ts'

const namesFor = (...rights: Parameters<typeof placesOf>[0]['rights']) =>
  placesOf({ rights, scope: null }).map(({ name }) => name)

test('the navigation has the pages that show something to the viewer', () => {
  expect(namesFor('READ_JOBS', 'WRITE_JOBS', 'READ_DEVICES')).toEqual(['Jobs', 'Schedule', 'Devices'])
  expect(namesFor('READ_TWINS')).toEqual(['Devices'])
  expect(namesFor('READ_JOBS')).toEqual(['Jobs'])
  expect(namesFor('READ_TWINS', 'AUDIT_READ')).toEqual(['Devices', 'Audit'])
  expect(placesOf({ rights: ['AUDIT_READ'], scope: "tags.site = 'north'" })).toEqual([])
  expect(namesFor('MANAGE_WEBHOOKS')).toEqual(['Webhooks'])
  expect(placesOf({ rights: ['MANAGE_WEBHOOKS'], scope: "tags.site = 'north'" })).toEqual([])
  expect(namesFor('CONNECT_DEVICES')).toEqual([])
})
