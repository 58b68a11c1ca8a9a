/** A place as keys are written, which are not escaped; places are, each kind in its own way. A key at it is appended. */
export function pathOfPlace(place: string): string {
  try {
    return decodeURIComponent(place);
  } catch {
    return place;
  }
}
