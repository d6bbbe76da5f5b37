import { expect, test } from 'vitest'
import { allPlacesOf, mainPlaceOf, placesAbout, placesOf } from '../../../src/console/shell/places.ts'

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

test('a page within another one is not in the navigation, but can be gone to by its name', () => {
  const viewer = { rights: ['READ_JOBS' as const], scope: null }
  expect(placesAbout('/jobs', viewer).map(({ name }) => name)).toEqual([
    'Jobs',
    'Schedules',
    'Templates',
    'Device groups',
  ])
  expect(placesAbout('/devices', viewer)).toEqual([])
  expect(allPlacesOf(viewer).map(({ name }) => name)).toEqual(['Jobs', 'Schedules', 'Templates', 'Device groups'])
  expect(allPlacesOf({ rights: ['READ_TWINS'], scope: null }).map(({ name }) => name)).toEqual(['Devices'])
})

test('an address belongs to a page of the navigation', () => {
  expect(mainPlaceOf('/jobs/reboot')).toBe('/jobs')
  expect(mainPlaceOf('/schedule')).toBe('/schedule')
  expect(mainPlaceOf('/schedules/nightly')).toBe('/jobs')
  expect(mainPlaceOf('/templates/reboot/edit')).toBe('/jobs')
  expect(mainPlaceOf('/groups')).toBe('/jobs')
  expect(mainPlaceOf('/nowhere')).toBeUndefined()
})
