import type { IDataObject } from 'n8n-workflow';

/**
 * What n8n stores or hands on. Its type asks for an index signature, which interfaces don't have; the values are plain data
 * all the same, as n8n writes them as JSON.
 */
export const toDataObject = (value: object): IDataObject => value as IDataObject;
