import { Command } from '@commander-js/extra-typings'
import { createTemplatesCreate } from './templates/create.ts'
import { createTemplatesDelete } from './templates/delete.ts'
import { createTemplatesList } from './templates/list.ts'

/** `twincast templates …` */
export const createTemplates = () =>
  new Command('templates')
    .description('Lists, creates and deletes job templates.')
    .addCommand(createTemplatesList())
    .addCommand(createTemplatesCreate())
    .addCommand(createTemplatesDelete())
