import { testStep } from './testStep.mts';

testStep('ticket');
testStep('put');
testStep('multipart');
testStep('price');
testStep('submit');
