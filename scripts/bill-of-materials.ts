import { type Component } from './image-part.ts';

/**
 * What an image is made of beside the base, in CycloneDX. Without a time or a number of its own, so that it says the same
 * of the same files.
 */
export function billOfMaterials(image: string, version: string, components: readonly Component[]): object {
  const root = `holdfast-${image}@${version}`;
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: `holdfast-${image}`,
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
    dependencies: [{ ref: root, dependsOn: components.map((component) => component['bom-ref']) }],
  };
}
