import { Command } from '@commander-js/extra-typings'
import { createGroupsDelete } from './groups/delete.ts'
import { createGroupsList } from './groups/list.ts'
import { createGroupsSave } from './groups/save.ts'

/** `twincast groups …` */
export const createGroups = () =>
  new Command('groups')
    .description('Lists, saves and deletes device groups: conditions with names.')
    .addCommand(createGroupsList())
    .addCommand(createGroupsSave())
    .addCommand(createGroupsDelete())
