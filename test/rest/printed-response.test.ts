import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { JsonText } from '../../src/json/json-text.ts'
import { answerPage } from '../../src/rest/printed-response.ts'

test('a page is the same in every form, whether it is short or long', async () => {
  for (const length of [1, 1_000_000]) {
    const items = [new JsonText(`{"text":"${'ä'.repeat(length)}"}`), { number: 1 }]
    const read = () => answerPage(systemClock, items, { 'x-ms-continuation': 'next' })
    const expected = [{ text: 'ä'.repeat(length) }, { number: 1 }]
    expect(await (await read()).json()).toEqual(expected)
    expect(JSON.parse(await (await read()).text())).toEqual(expected)
    const response = await read()
    expect(JSON.parse(Buffer.from(await response.arrayBuffer()).toString())).toEqual(expected)
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'application/json; charset=utf-8',
      'x-ms-continuation': 'next',
    })
  }
})
