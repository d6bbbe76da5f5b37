import { builder } from '../builder.ts'

/** A day of the week. */
export const DayOfWeek = builder.enumType('DayOfWeek', {
  description: 'A day of the week.',
  values: {
    MONDAY: { value: 'monday', description: 'Monday.' },
    TUESDAY: { value: 'tuesday', description: 'Tuesday.' },
    WEDNESDAY: { value: 'wednesday', description: 'Wednesday.' },
    THURSDAY: { value: 'thursday', description: 'Thursday.' },
    FRIDAY: { value: 'friday', description: 'Friday.' },
    SATURDAY: { value: 'saturday', description: 'Saturday.' },
    SUNDAY: { value: 'sunday', description: 'Sunday.' },
  } as const,
})

/** What each member says, in the input and in the job. */
export const says = {
  days: 'The days on which the window opens.',
  from: 'The time of day at which it opens, such as `02:00`.',
  to: 'The time of day at which it closes, such as `04:00`: on the next day, unless it is later than `from`.',
  timeZone:
    'The time zone, by its name in the IANA database, such as `Europe/Berlin`. With `timeZoneFrom`, that of devices without a valid one.',
  timeZoneFrom:
    'A path as in query conditions, such as `tags.timeZone`, at which each device has the name of its own time zone. It is read when the devices are selected. Without `timeZone`, a device without a valid one is not called, and fails at the deadline.',
} as const

/** Validated by job/time-window.ts. */
export const WindowInput = builder.inputType('WindowInput', {
  description:
    'A time window: on these days, calls begin between two times of day only, and early enough to end in it. It must be longer than the response timeout. When clocks change in it, it neither opens twice nor is left out.',
  fields: (t) => ({
    days: t.field({ type: [DayOfWeek], description: `${says.days} Every day when omitted.` }),
    from: t.string({ required: true, description: says.from }),
    to: t.string({ required: true, description: says.to }),
    timeZone: t.string({ description: `${says.timeZone} Required without \`timeZoneFrom\`.` }),
    timeZoneFrom: t.string({ description: says.timeZoneFrom }),
  }),
})
