(window.runsumData=window.runsumData||{})["run-90140005"]={"axes":{},"charts":{},"events":[]};
