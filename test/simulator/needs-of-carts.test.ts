import { expect, it } from 'vitest';
import ward from '../../resources/demo/ward.json' with { type: 'json' };
import { directory, nightRules } from '../../app/simulator/directory.ts';
import { readyByWard } from '../../app/simulator/night/truth.ts';
import { createCart } from '../../app/simulator/world/cart.ts';
import { seededRandom } from '../../app/simulator/world/random.ts';

it('the ward’s rules name another cart too: the panel does not count its need among those of the virtual cart', () => {
  const demo = directory.parse(ward);
  const cart = createCart({ directory: demo, random: seededRandom(3), worldMs: 0 });
  const rules = nightRules.parse({ from: '20:00', shift: '06:45', needs: [{ ward: '7e', cart: demo.cart.name, count: 8, due: '06:45' }, { ward: '7e', cart: 'Cart B', count: 5, due: '06:45' }, { ward: '7w', count: 3, due: '06:45' }] });
  expect(readyByWard(cart, demo, rules).map(({ ward: id, needed }) => [id, needed])).toEqual([['7e', 8], ['7w', 3]]);
});
