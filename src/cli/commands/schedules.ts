import { Command } from '@commander-js/extra-typings'
import { createSchedulesDelete, createSchedulesPause, createSchedulesResume } from './schedules/change.ts'
import { createSchedulesCreate } from './schedules/create.ts'
import { createSchedulesList } from './schedules/list.ts'
import { createSchedulesUpdate } from './schedules/update.ts'

/** `twincast schedules …` */
export const createSchedules = () =>
  new Command('schedules')
    .description('Lists, creates, changes, pauses, resumes and deletes job schedules.')
    .addCommand(createSchedulesList())
    .addCommand(createSchedulesCreate())
    .addCommand(createSchedulesUpdate())
    .addCommand(createSchedulesPause())
    .addCommand(createSchedulesResume())
    .addCommand(createSchedulesDelete())
