const firstBuilding = 41
const buildings = 4
const floorsPerBuilding = 5

/** What the tags of simulated devices are. */
export type SimulatedTags = { readonly simulated: true; readonly building: number; readonly floor: number }

/** The tags of the device at a place in its fleet: something to select it by. Buildings and floors are filled in turn. */
export const tagsOf = (index: number): SimulatedTags => ({
  simulated: true,
  building: firstBuilding + (index % buildings),
  floor: 1 + (Math.floor(index / buildings) % floorsPerBuilding),
})
