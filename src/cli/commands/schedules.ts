import { Command } from '@commander-js/extra-typings'
import { createSchedulesDelete, createSchedulesPause, createSchedulesResume } from './schedules/change.ts'
import { createSchedulesCreate } from './schedules/create.ts'
import { createSchedulesList } from './schedules/list.ts'

/** `twincast schedules …` */
export const createSchedules = () =>
  new Command('schedules')
    .description('Lists, creates, pauses, resumes and deletes job schedules.')
    .addCommand(createSchedulesList())
    .addCommand(createSchedulesCreate())
    .addCommand(createSchedulesPause())
    .addCommand(createSchedulesResume())
    .addCommand(createSchedulesDelete())
