import type { FleetView } from '../contract/fleet.ts';
import { CertificatePage } from './certificate-page.tsx';
import { CertificatesPage } from './certificates-page.tsx';
import { ConflictsPage } from './conflicts-page.tsx';
import { Contact } from './contact.tsx';
import { DevicePage } from './device-page.tsx';
import { isLost } from './feed.ts';
import { IncidentsPage } from './incidents-page.tsx';
import { KeysPage } from './keys-page.tsx';
import { ListPage } from './list-page.tsx';
import { MdmsPage } from './mdms-page.tsx';
import { MorningPage } from './morning-page.tsx';
import { MorningSheetPage } from './morning-sheet-page.tsx';
import { useArrival } from './navigation.ts';
import { Waiting } from './notices.tsx';
import { RecordsPage } from './records-page.tsx';
import type { Route } from './route.ts';
import { openIncidents } from './open-incidents.ts';
import { SignIn } from './sign-in.tsx';
import { StationPage } from './station-page.tsx';
import { useFleet } from './store.ts';
import { TopBar } from './top-bar.tsx';
import { WardsPage } from './wards-page.tsx';

function Place({ route, view }: { route: Route; view: FleetView }) {
  switch (route.page) {
    case 'wards':
      return <WardsPage view={view} route={route} />;
    case 'devices':
    case 'quarantine':
    case 'stations':
      return <ListPage view={view} route={route} />;
    case 'device':
      return <DevicePage view={view} serial={route.serial} />;
    case 'station':
      return <StationPage view={view} id={route.id} />;
    case 'records':
      return <RecordsPage route={route} />;
    case 'morning':
      return <MorningPage />;
    case 'sheet':
      return <MorningSheetPage route={route} />;
    case 'certificates':
      return <CertificatesPage route={route} />;
    case 'certificate':
      return <CertificatePage leaf={route.leaf} />;
    case 'conflicts':
      return <ConflictsPage view={view} q={route.q} />;
    case 'incidents':
      return <IncidentsPage view={view} q={route.q} />;
    case 'keys':
      return <KeysPage />;
    case 'mdms':
      return <MdmsPage />;
    case 'nowhere':
      return (
        <>
          <h1 tabIndex={-1}>There is nothing at this address</h1>
          <p>
            The link may be old. <a href="#/">Go to the wards</a>
          </p>
        </>
      );
  }
}

export function App() {
  const session = useFleet((state) => state.session);
  const route = useFleet((state) => state.route);
  const fleet = useFleet((state) => state.fleet);
  const noticed = useFleet(openIncidents);
  const short = useFleet((state) => state.morning.held?.value.carts.flatMap(({ notices }) => notices).length ?? 0);
  useArrival(route);
  if (session.kind === 'asking') return <Waiting unanswered={session.unanswered} />;
  if (session.kind === 'signed-out') return <SignIn ended={session.ended} />;
  return (
    <>
      <TopBar me={session.me} route={route} counts={{ quarantine: fleet.held?.value.quarantine.length ?? 0, incidents: noticed, morning: short }} />
      <Contact feed={fleet} />
      <main id="main" tabIndex={-1}>
        {fleet.held === undefined ? !isLost(fleet) && <p className="quiet">Reading the fleet…</p> : <Place route={route} view={fleet.held.value} />}
      </main>
    </>
  );
}
