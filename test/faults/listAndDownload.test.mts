import { testStep } from './testStep.mts';

testStep('list');
testStep('download');
