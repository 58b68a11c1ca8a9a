// What the engine throws at a program that uses the library: classes, so that `instanceof` tells them apart.
export { ObjectError } from './engine/object-error.ts';
export { UploadError } from './engine/uploads/upload-types.ts';
