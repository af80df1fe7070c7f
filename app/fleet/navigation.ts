import { hrefOf } from './route.ts';
import { useFleet } from './store.ts';

/** Puts what is typed into the address, so that a filtered list can be sent to somebody; adds nothing to the history. */
export function setFilter(q: string): void {
  const route = { ...useFleet.getState().route, q };
  history.replaceState(history.state, '', hrefOf(route));
  useFleet.setState({ route });
}
