// A page on an origin of its own: signs a person in, schedules a job and shows its devices as they end.

import { createUrqlClient } from '../../clients/urql.ts'
import { followJob } from './follow-job.ts'
import { canSignIn, openSession, signIn, signOut } from './person.ts'
import { personName } from './person-name.ts'
import { scheduleJob } from './schedule-job.ts'
import { watchEnded } from './watch-ended.ts'

const find = <Type extends HTMLElement>(id: string, type: new () => Type): Type => {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new Error(`The page has no ${id}.`)
}
const problem = find('problem', HTMLParagraphElement)
const connection = find('connection', HTMLParagraphElement)
const schedule = find('schedule', HTMLFormElement)
const signInButton = find('sign-in', HTMLButtonElement)
const signOutButton = find('sign-out', HTMLButtonElement)

/** Says what is wrong, unless it is that the person has to sign in again. */
const show = (error: unknown): void => {
  if (!signInButton.hidden) return
  problem.textContent = error instanceof Error ? error.message : String(error)
}

/** Offers to sign in. What the page shows stays. */
function offerSignIn(why = ''): void {
  problem.textContent = why
  signInButton.hidden = false
  signOutButton.hidden = true
  schedule.hidden = true
}

/** The hub, for the person of this tab; undefined when nobody is signed in. */
async function openHub() {
  const session = await openSession(() => offerSignIn('Your session at the provider has ended. Sign in again.'))
  if (session === undefined) return undefined
  let renewals = 0
  const { client } = createUrqlClient({
    url: new URL('/graphql', import.meta.env.HUB_ORIGIN ?? 'http://localhost:4000').href,
    session,
    onConnection(event) {
      if (event === 'renewed') renewals++
      connection.textContent = event === 'lost' ? 'Reconnecting …' : `Live. Tokens renewed: ${renewals}.`
    },
  })
  return client
}
type Hub = NonNullable<Awaited<ReturnType<typeof openHub>>>

let shown = new AbortController()

/** Shows a job, live until its end or until another one is shown. */
function showJob(hub: Hub, jobId: string): void {
  shown.abort()
  shown = new AbortController()
  const progress = find('progress', HTMLParagraphElement)
  const ended = find('ended', HTMLOListElement)
  find('job', HTMLElement).hidden = false
  find('job-title', HTMLHeadingElement).textContent = jobId
  progress.textContent = ''
  ended.replaceChildren()
  const addLine = (line: string): void => {
    const item = document.createElement('li')
    item.textContent = line
    ended.append(item)
  }
  shown.signal.addEventListener('abort', watchEnded(hub, jobId, addLine))
  const showProgress = (line: string): void => {
    progress.textContent = line
  }
  followJob(hub, jobId, showProgress, shown.signal).then((outcome) => {
    progress.textContent += `. The job has ended: ${outcome.toLowerCase().replace('_', ' ')}.`
  }, show)
}

async function start(): Promise<void> {
  const hub = await openHub()
  if (hub === undefined) {
    offerSignIn()
    return
  }
  find('person', HTMLParagraphElement).textContent = await personName(hub)
  signOutButton.hidden = !canSignIn
  schedule.hidden = false
  schedule.addEventListener('submit', (event) => {
    event.preventDefault()
    const fields = new FormData(schedule)
    const queryCondition = String(fields.get('queryCondition'))
    const methodName = String(fields.get('methodName'))
    problem.textContent = ''
    scheduleJob(hub, { queryCondition, cloudToDeviceMethod: { methodName } }).then((scheduled) => {
      if ('refusal' in scheduled) show(scheduled.refusal)
      else location.hash = scheduled.jobId
    }, show)
  })
  // The address names the job, so that it is there again after a reload or a sign-in.
  const showJobOfAddress = (): void => {
    if (location.hash !== '') showJob(hub, decodeURIComponent(location.hash.slice(1)))
  }
  addEventListener('hashchange', showJobOfAddress)
  showJobOfAddress()
}

signInButton.addEventListener('click', () => void signIn().catch(show))
signOutButton.addEventListener('click', () => void signOut().catch(show))
start().catch((error: unknown) => {
  show(error)
  signInButton.hidden = !canSignIn
})
